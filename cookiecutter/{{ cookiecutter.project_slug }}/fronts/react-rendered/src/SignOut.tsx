import { signOut } from "./browser";
import { useReady } from "./ready";

export function SignOut() {
  return (
    <button type="button" disabled={!useReady()} onClick={() => void signOut()}>
      Sign out
    </button>
  );
}
