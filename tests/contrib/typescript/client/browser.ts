// What only a browser can show: cookies, and the progress of an upload. The test calls `run()` in Chromium.
import { files, site } from "./api";
import { configure, session, unwrap } from "./client";

async function run() {
  await site.reset();
  const before = document.cookie;
  configure({ auth: session({ renewUrl: "/api/csrf" }) });
  const signedIn = await site.signIn({ body: { username: "ada", password: "correct horse" } });
  // Signing in sets the cookie of the token; without it, the next request that writes asks for it.
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is not in every browser
  document.cookie = "csrftoken=; expires=Thu, 01 Jan 1970 00:00:00 GMT; path=/";
  const without = document.cookie;
  const note = await site.addNote({ body: { name: "from the browser" } });
  const steps: [number, number | undefined][] = [];
  const size = 20_000_000;
  const upload = await unwrap(
    files.upload({
      body: { file: new File([new Uint8Array(size)], "big.bin"), title: "Big" },
      onUploadProgress: (sent, total) => steps.push([sent, total]),
    }),
  );
  const controller = new AbortController();
  const aborted = await files.upload({
    body: { file: new File([new Uint8Array(size)], "big.bin"), title: "Big" },
    signal: controller.signal,
    onUploadProgress: () => controller.abort(),
  });
  const refused = await files.upload({
    body: { file: new File(["a"], "a.txt"), title: 1 as unknown as string, tags: [] },
    onUploadProgress: () => undefined,
    headers: { "X-Agent": "browser" },
  });
  const invalid = await files.upload({ body: new FormData(), onUploadProgress: () => undefined });
  const seen = await unwrap(site.seen());
  return {
    before,
    without,
    signedIn: signedIn.status,
    note: note.status,
    notes: seen["POST /api/notes"],
    size: upload.size,
    steps,
    aborted: !aborted.ok && aborted.status === 0 ? aborted.error.reason : aborted.status,
    refused: refused.status,
    invalid: invalid.ok ? "" : [invalid.status, "errors" in invalid.error && invalid.error.errors?.length],
  };
}

Object.assign(globalThis, { run });
