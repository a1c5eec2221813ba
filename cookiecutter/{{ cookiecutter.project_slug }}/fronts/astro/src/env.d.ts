declare namespace App {
  /** What src/middleware.ts gives to each page. */
  interface Locals {
    /** The client of this request. */
    client: import("./api/client").Client;
    user: import("./api/schema").UserOut | null;
  }
}
