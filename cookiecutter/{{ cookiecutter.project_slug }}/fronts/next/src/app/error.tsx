"use client";

/** What is shown instead of a page that Django did not answer for. The log of the server has the error. */
export default function Failed() {
  return (
    <>
      <h1>Not available</h1>
      <p role="alert">The site cannot show this page at present. Try again in a minute.</p>
      <p>
        <button type="button" onClick={() => location.reload()}>
          Try again
        </button>
      </p>
    </>
  );
}
