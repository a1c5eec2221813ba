// Bundles an entry beside the components: node bundle.mjs ENTRY OUTPUT
import { readFile } from "node:fs/promises";
import { build } from "esbuild";
import { compile } from "svelte/compiler";

const [, , entry, outfile] = process.argv;
const svelte = {
  name: "svelte",
  setup: (building) =>
    building.onLoad({ filter: /\.svelte$/ }, async ({ path }) => {
      const { js, warnings } = compile(await readFile(path, "utf8"), { filename: path, generate: "client" });
      for (const { code, message } of warnings) console.error(code, message);
      return { contents: js.code, loader: "js" };
    }),
};
await build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  format: "esm",
  jsx: "automatic",
  conditions: ["svelte", "browser"],
  define: { "process.env.NODE_ENV": '"production"' },
  plugins: [svelte],
});
