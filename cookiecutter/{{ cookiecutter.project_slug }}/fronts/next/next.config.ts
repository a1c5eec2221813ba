import type { NextConfig } from "next";
import { backend, prefixes } from "./django.mjs";

const config: NextConfig = {
  // `npm run build` writes a server with the modules that it needs, for the image.
  output: "standalone",
  // Lock files in folders above are not this project's.
  turbopack: { root: import.meta.dirname },
  outputFileTracingRoot: import.meta.dirname,
  poweredByHeader: false,
  // The proxy of production compresses. Here it would delay the streams of Django in development.
  compress: false,
  allowedDevOrigins: ["127.0.0.1"],
  // Django's URLs end with a slash, and Next would redirect to those without.
  skipTrailingSlashRedirect: true,
  async rewrites() {
    // In production a proxy does this. Next's own changes the Host; Django reads the first one from X-Forwarded-Host.
    if (process.env.NODE_ENV !== "development") return [];
    return prefixes.flatMap((prefix) => [
      { source: `${prefix}/:rest*/`, destination: `${backend}${prefix}/:rest*/` },
      { source: `${prefix}/:rest*`, destination: `${backend}${prefix}/:rest*` },
    ]);
  },
};

export default config;
