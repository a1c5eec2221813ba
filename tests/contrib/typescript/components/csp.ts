import { config } from "zod";

// A policy without 'unsafe-eval' would report that zod tries to compile its schemas.
config({ jitless: true });
