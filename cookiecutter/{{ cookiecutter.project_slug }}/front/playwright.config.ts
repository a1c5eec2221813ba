import { defineConfig } from "@playwright/test";

// tests/test_front.py starts Django, and sets these. CHROMIUM names a browser that Playwright has not installed itself.
const { BASE_URL = "http://127.0.0.1:8000", CHROMIUM, PREVIEW } = process.env;

export default defineConfig({
  testDir: "tests",
  reporter: "line",
  workers: 1,
  // Far more than it takes, for a busy machine.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  // Where Node renders the pages: both servers at one origin.
  ...(PREVIEW ? { webServer: { command: "node preview.mjs", url: BASE_URL } } : {}),
  use: {
    baseURL: BASE_URL,
    locale: "en-US",
    launchOptions: CHROMIUM ? { executablePath: CHROMIUM, args: ["--no-sandbox"] } : {},
  },
});
