"use client";
import { useRouter } from "next/navigation";
import { useEffect } from "react";
import { onItemChange } from "../changes";

/** Renders the page again on the server when somebody has changed an item. */
export function Changes() {
  const router = useRouter();
  useEffect(() => onItemChange(() => router.refresh()), [router]);
  return null;
}
