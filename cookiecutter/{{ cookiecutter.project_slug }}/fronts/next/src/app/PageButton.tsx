"use client";
import Form from "next/form";
import type { ReactNode } from "react";

interface Props {
  search: string;
  page: number;
  disabled: boolean;
  children: ReactNode;
}

/** Opens another page of the list, also without scripts. */
export function PageButton({ search, page, disabled, children }: Props) {
  return (
    <Form action="/">
      {search && <input type="hidden" name="search" value={search} />}
      <input type="hidden" name="page" value={page} />
      <button type="submit" disabled={disabled}>
        {children}
      </button>
    </Form>
  );
}
