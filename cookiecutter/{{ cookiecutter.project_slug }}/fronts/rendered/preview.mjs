// Serves the build as production does, at one origin: Django's URLs from MATT_SPA_BACKEND, and the pages from Node. `npm run preview`.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { backend, pattern } from "./django.mjs";

const { HOST = "localhost", PORT = "4173" } = process.env;
const isDjangos = new RegExp(pattern);
const django = new URL(backend);

/** @returns {Promise<number>} a port that nothing uses */
const freePort = () =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(address && typeof address === "object" ? address.port : 0));
    });
  });

const port = await freePort();
const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
// `node dist/server/entry.mjs`
const pages = spawn(process.execPath, scripts.start.split(" ").slice(1), {
  env: {
    ...process.env,
    NODE_ENV: "production",
    HOST: "127.0.0.1",
    HOSTNAME: "127.0.0.1",
    PORT: `${port}`,
  },
  stdio: "inherit",
});
pages.on("exit", (code) => process.exit(code ?? 1));
for (const name of /** @type {const} */ (["SIGINT", "SIGTERM"]))
  process.on(name, () => {
    pages.removeAllListeners("exit");
    pages.once("exit", () => process.exit(0));
    pages.kill(name);
  });

const server = createServer((incoming, outgoing) => {
  const place = isDjangos.test(incoming.url ?? "")
    ? { host: django.hostname, port: django.port || 80 }
    : { host: "127.0.0.1", port };
  const { method, url: path } = incoming;
  const headers = {
    ...incoming.headers,
    "x-forwarded-for": incoming.socket.remoteAddress ?? "",
    "x-forwarded-host": incoming.headers.host ?? "",
    "x-forwarded-proto": "http",
  };
  const asked = request({ ...place, method, path, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    answer.pipe(outgoing);
  });
  asked.on("error", () => {
    if (outgoing.headersSent) outgoing.destroy();
    else outgoing.writeHead(502, { "Content-Type": "text/plain" }).end("502 Bad Gateway");
  });
  outgoing.on("close", () => asked.destroy());
  incoming.pipe(asked);
});
// Not before Node answers.
for (let isUp = false; !isUp; )
  isUp = await new Promise((resolve) => {
    const probe = connect(port, "127.0.0.1", () => resolve(!!probe.end()));
    probe.on("error", () => setTimeout(() => resolve(false), 50));
  });
server.listen(Number(PORT), HOST, () => console.log(`Open http://${HOST}:${PORT}/`));
