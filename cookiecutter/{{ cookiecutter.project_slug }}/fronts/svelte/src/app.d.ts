declare global {
  namespace App {
    /** What src/hooks.server.ts gives to each `load`. */
    interface Locals {
      /** The client of this request. */
      client: import("./api/client").Client;
      user: import("./api/schema").UserOut | null;
    }
  }
}

export {};
