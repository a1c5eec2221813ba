import { renderToReadableStream } from "react-dom/server";
import { type HandleDocumentRequestFunction, ServerRouter } from "react-router";

/** The policy of a page. Its scripts have a nonce, which no injected script knows. */
function policyOf(nonce: string): string {
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}'`,
    // In development, Vite puts styles into the page, and hears of changes by a WebSocket.
    import.meta.env.DEV ? "style-src 'self' 'unsafe-inline'" : "style-src 'self'",
    "img-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

const handleRequest: HandleDocumentRequestFunction = async (request, status, headers, context) => {
  const nonce = crypto.randomUUID();
  let code = status;
  const page = await renderToReadableStream(
    <ServerRouter context={context} url={request.url} nonce={nonce} />,
    {
      nonce,
      signal: request.signal,
      onError(error) {
        code = 500;
        if (!request.signal.aborted) console.error(error);
      },
    },
  );
  headers.set("Content-Type", "text/html; charset=utf-8");
  headers.set("Content-Security-Policy", policyOf(nonce));
  return new Response(page, { status: code, headers });
};
export default handleRequest;
