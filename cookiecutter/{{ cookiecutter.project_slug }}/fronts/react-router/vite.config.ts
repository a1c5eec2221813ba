import { reactRouter } from "@react-router/dev/vite";
import { defineConfig } from "vite";
import { proxy } from "./django.mjs";

export default defineConfig({
  plugins: [reactRouter()],
  server: { proxy },
});
