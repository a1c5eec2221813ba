import { useEffect, useRef } from "react";

const PAUSE = 200;

interface Props {
  /** What the page has been searched for. */
  value: string;
  /** Whether the page of another search is on its way. */
  isPending: boolean;
  onSearch: (text: string) => void;
}

/** The search of the list. It is sent while somebody types; without scripts, by Enter. */
export function SearchField({ value, isPending, onSearch }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const sent = useRef(value);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  function send() {
    clearTimeout(timer.current);
    const text = input.current?.value ?? "";
    if (text === sent.current) return;
    sent.current = text;
    onSearch(text);
  }

  function sendSoon() {
    clearTimeout(timer.current);
    timer.current = setTimeout(send, PAUSE);
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: once, for what was typed before the scripts were there
  useEffect(() => {
    sendSoon();
    return () => clearTimeout(timer.current);
  }, []);
  useEffect(() => {
    // Another search than the one that was sent: the back button, or a link. The field follows.
    if (isPending || value === sent.current) return;
    sent.current = value;
    if (input.current) input.current.value = value;
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
        <input ref={input} type="search" name="search" defaultValue={value} onChange={sendSoon} />
      </label>
    </form>
  );
}
