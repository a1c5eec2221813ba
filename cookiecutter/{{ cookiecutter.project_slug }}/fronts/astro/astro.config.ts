import node from "@astrojs/node";
import { defineConfig, passthroughImageService } from "astro/config";
import { proxy } from "./django.mjs";

export default defineConfig({
  output: "server",
  adapter: node({ mode: "standalone" }),
  devToolbar: { enabled: false },
  image: { service: passthroughImageService() },
  // Scripts and styles are files: the policy of src/middleware.ts refuses what is inside of a page.
  build: { inlineStylesheets: "never" },
  vite: {
    build: { assetsInlineLimit: 0 },
    server: { proxy, strictPort: true },
    plugins: [
      // The build needs no node_modules. The development server takes packages from there.
      { name: "bundle-all", apply: "build", config: () => ({ ssr: { noExternal: true } }) },
    ],
  },
});
