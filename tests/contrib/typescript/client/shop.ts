// Calls operations of the shop with given options, and validates each answer by the zod schema of its status.
import { readFileSync } from "node:fs";
import * as api from "./api";
import { bearer, CallError, type Client, unwrap } from "./client";
import * as zod from "./zod";

interface Case {
  name: string;
  stream: boolean;
  who: "" | "ada" | "staff";
  options: Record<string, unknown>;
}
interface Validator {
  safeParse(value: unknown): { success: boolean; error?: { message: string } };
}
interface Answer {
  ok: boolean;
  status: number;
  data?: unknown;
  error?: unknown;
}

declare const process: { argv: string[] };
const [, , url = "", file = ""] = process.argv;
const baseUrl = url;
const clients: Record<string, Client> = { "": { baseUrl } };
for (const username of ["ada", "staff"]) {
  const { token } = await unwrap(
    api.auth.login({ client: { baseUrl }, body: { username, password: "demo-demo" } }),
  );
  clients[username] = { baseUrl, auth: bearer(() => token), retries: 0 };
}

/** Turn `{ $file: base64 }` into a file. */
function revive(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revive);
  if (typeof value !== "object" || value === null) return value;
  if ("$file" in value)
    return new File([Uint8Array.from(atob(String(value.$file)), (char) => char.charCodeAt(0))], "a.png");
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, revive(each)]));
}

const exported = api as unknown as Record<string, (options: unknown) => Promise<Answer> & AsyncIterable<unknown>>;
const schemas = zod as unknown as Record<string, Record<number, Validator> & Validator>;
const counts: Record<string, Record<number, number>> = {};
const wrong: unknown[] = [];

async function run({ name, stream, who, options }: Case): Promise<void> {
  const call = exported[name];
  if (!call) throw new Error(`api.ts has no ${name}`);
  const wanted = { ...(revive(options) as object), client: clients[who] };
  let status = 200;
  const refuse = (why: unknown) => wrong.push({ name, who, options, status, why });
  if (stream) {
    try {
      for await (const item of call(wanted)) {
        const parsed = schemas[`${name}Item`]?.safeParse(item);
        if (!parsed?.success) refuse(parsed?.error?.message ?? "no schema");
      }
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      status = error.result.status;
      if (status !== 422) refuse(error.message);
    }
  } else {
    const answer = await call(wanted);
    status = answer.status;
    const schema = schemas[`${name}Answers`]?.[status];
    const parsed = schema?.safeParse(answer.ok ? answer.data : answer.error);
    if (!parsed?.success) refuse(parsed?.error?.message ?? { undocumented: answer.error });
  }
  const found = (counts[name] ??= {});
  found[status] = (found[status] ?? 0) + 1;
}

const waiting = JSON.parse(readFileSync(file, "utf8")) as Case[];
const workers = Array.from({ length: 4 }, async () => {
  for (let next = waiting.shift(); next; next = waiting.shift()) await run(next);
});
await Promise.all(workers);
console.log(JSON.stringify({ counts, wrong: wrong.slice(0, 20), failures: wrong.length }));
