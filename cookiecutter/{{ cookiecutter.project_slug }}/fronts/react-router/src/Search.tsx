import { useEffect, useRef, useState } from "react";
import { Form, useNavigate, useNavigation } from "react-router";
import { listLink } from "./links";

const PAUSE = 200;

/** The search of the list. It is sent while somebody types; without scripts, by Enter. */
export function Search({ value }: { value: string }) {
  const navigate = useNavigate();
  const isPending = useNavigation().state !== "idle";
  const [text, setText] = useState(value);
  const sent = useRef(value);

  function send() {
    if (text === sent.current) return;
    sent.current = text;
    void navigate(listLink(text, 1), { replace: true, preventScrollReset: true });
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
    <Form
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
    </Form>
  );
}
