// Write the types that openapi-typescript makes of documents: `node peers.mjs a.json b.json` writes a.theirs.d.ts, b.theirs.d.ts.
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

for (const file of process.argv.slice(2)) {
  const ast = await openapiTS(JSON.parse(readFileSync(file, "utf8")), { defaultNonNullable: false, silent: true });
  writeFileSync(file.replace(".json", ".theirs.d.ts"), astToString(ast));
}
