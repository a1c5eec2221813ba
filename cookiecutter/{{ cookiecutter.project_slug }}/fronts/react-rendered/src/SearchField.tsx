import { useEffect, useRef, useState } from "react";

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
  const [text, setText] = useState(value);
  const sent = useRef(value);

  function send() {
    if (text === sent.current) return;
    sent.current = text;
    onSearch(text);
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: `send` is new in each render
  useEffect(() => {
    const timer = setTimeout(send, PAUSE);
    return () => clearTimeout(timer);
  }, [text]);
  useEffect(() => {
    // Another search than the one that was sent: the back button, or a link. The field follows.
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
