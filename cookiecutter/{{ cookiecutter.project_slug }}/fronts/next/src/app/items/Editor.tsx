"use client";
import Link from "next/link";
import { useRouter } from "next/navigation";
import type { ItemOut } from "../../api/schema";
import { ItemForm } from "../../ItemForm";

export function Editor({ item }: { item?: ItemOut }) {
  const router = useRouter();

  function openList() {
    router.push("/");
    // Pages that the browser has kept show what was before.
    router.refresh();
  }

  return <ItemForm item={item} onDone={openList} cancel={<Link href="/">Cancel</Link>} />;
}
