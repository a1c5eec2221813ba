"use client";
import { useRouter } from "next/navigation";
import { useTransition } from "react";
import { listLink } from "../links";
import { SearchField } from "../SearchField";

export function Search({ value }: { value: string }) {
  const router = useRouter();
  const [isPending, startTransition] = useTransition();
  return (
    <SearchField
      value={value}
      isPending={isPending}
      onSearch={(text) => startTransition(() => router.replace(listLink(text, 1)))}
    />
  );
}
