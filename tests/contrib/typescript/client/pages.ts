// A front end's server in plain Node: `node pages.js <port> <url of Django>` renders a page with what its visitor may see.
import { createServer, type IncomingMessage } from "node:http";
import { site } from "./api";
import { server } from "./client";

declare const process: { argv: string[] };
const [, , port = "", baseUrl = ""] = process.argv;
const escape = (text: string) => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

async function render(request: IncomingMessage): Promise<[number, string]> {
  let asked = "";
  const client = server({
    baseUrl,
    cookies: request.headers.cookie ?? null,
    headers: { "X-Request-ID": String(request.headers["x-request-id"] ?? "") },
    fetch: (input, init) => {
      asked = String(init?.cache);
      return fetch(input, init);
    },
  });
  const note = request.method === "POST" ? await site.addNote({ client, body: { name: "from a page" } }) : undefined;
  const me = await site.me({ client });
  if (!me.ok) return [me.status || 502, `<p>${escape(me.error.title)}</p>`];
  return [note?.status ?? 200, `<p data-cache="${asked}">${escape(me.data.name)}</p>`];
}

createServer((request, response) => {
  render(request).then(([status, body]) => {
    const headers = { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "private, no-store" };
    response.writeHead(status, headers).end(`<!doctype html>${body}`);
  });
}).listen(Number(port), "127.0.0.1");
