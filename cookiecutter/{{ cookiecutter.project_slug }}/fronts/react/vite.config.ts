import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `make dev` sets both: where Django is, and where this server is.
const { MATT_SPA_BACKEND = "http://127.0.0.1:8000", MATT_SPA_DEV_SERVER } = process.env;

export default defineConfig(({ command }) => ({
  plugins: [react()],
  // Relative to the modules, so that STATIC_URL may be anything.
  base: command === "build" ? "./" : "/",
  build: {
    outDir: "../static/front",
    emptyOutDir: true,
    manifest: true,
    rolldownOptions: { input: "src/main.tsx" },
  },
  server: {
    origin: MATT_SPA_DEV_SERVER,
    // Django serves the page. What is no module is passed on to it, so that the address of Vite shows the page too.
    // `changeOrigin` would change the Host, and Django would refuse each write: its origin would be another site.
    proxy: { "^/(?!@|src/|node_modules/)": { target: MATT_SPA_BACKEND, changeOrigin: false } },
  },
}));
