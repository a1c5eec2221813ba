"use client";

/** What a page shows if the API does not answer. The log of the server has the error. */
export default function Failed({ reset }: { reset: () => void }) {
  return (
    <>
      <h1>Something went wrong</h1>
      <p role="alert">The server did not answer as it should.</p>
      <button type="button" onClick={reset}>
        Try again
      </button>
    </>
  );
}
