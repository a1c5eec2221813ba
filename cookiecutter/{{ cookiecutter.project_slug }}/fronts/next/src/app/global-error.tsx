"use client";
import "../style.css";
import Failed from "./error";

/** The same, if it is the layout that has failed: Django has not told who asks. */
export default function AllFailed() {
  return (
    <html lang="en">
      <head>
        <title>Not available</title>
        <link rel="icon" href="data:," />
      </head>
      <body>
        <main>
          <Failed />
        </main>
      </body>
    </html>
  );
}
