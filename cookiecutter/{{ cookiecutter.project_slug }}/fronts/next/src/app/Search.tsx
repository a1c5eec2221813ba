"use client";
import Form from "next/form";
import { useRouter } from "next/navigation";
import { type ReactNode, useEffect, useRef, useState, useTransition } from "react";
import { listLink } from "../links";

const PAUSE = 200;

/** The search of the list. It is sent while somebody types; without scripts, by Enter. */
export function Search({ value }: { value: string }) {
  const router = useRouter();
  const [isPending, startTransition] = useTransition();
  const [text, setText] = useState(value);
  const sent = useRef(value);

  function send() {
    if (text === sent.current) return;
    sent.current = text;
    startTransition(() => router.replace(listLink(text, 1)));
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: `send` is new in each render
  useEffect(() => {
    const timer = setTimeout(send, PAUSE);
    return () => clearTimeout(timer);
  }, [text]);
  useEffect(() => {
    // Another URL than the one that was sent: the back button, or a link. The field follows.
    if (isPending || value === sent.current) return;
    sent.current = value;
    setText(value);
  }, [value, isPending]);
  return (
    <form
      className="search"
      action="/"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <label>
        <span>Search</span>
        <input
          type="search"
          name="search"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </label>
    </form>
  );
}

interface PageProps {
  search: string;
  page: number;
  disabled: boolean;
  children: ReactNode;
}

/** Opens another page of the list, also without scripts. */
export function PageButton({ search, page, disabled, children }: PageProps) {
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
