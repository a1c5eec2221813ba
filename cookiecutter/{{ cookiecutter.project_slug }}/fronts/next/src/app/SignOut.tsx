"use client";
import { signOut } from "../browser";

export function SignOut() {
  return (
    <button type="button" onClick={() => void signOut()}>
      Sign out
    </button>
  );
}
