// Follows the live list of the board, and prints what it has whenever it is asked to by a line on stdin.
import { createInterface } from "node:readline";
import { orders } from "./api";
import { configure } from "./client";
import { type LiveRows, liveList } from "./live";
import type { components } from "./schema";

type S = components["schemas"];
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function is<T extends true>(): T;
const [, , baseUrl = ""] = process.argv;
configure({ baseUrl });

const list = liveList(orders.listLive, { pause: 100 });
export type Rows = Equal<ReturnType<typeof list.get>["rows"], readonly S["OrderOut"][]>;
export const check = () => is<Rows>();
// @ts-expect-error that operation is not a live list
export const wrong = () => liveList(orders.list);

const stop = list.subscribe((value) => console.log(JSON.stringify(value)));
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  if (line === "again") {
    // A second subscriber is told at once, and shares the connection.
    const seen: LiveRows<S["OrderOut"]>[] = [];
    list.subscribe((value) => seen.push(value))();
    console.log(JSON.stringify({ ...seen[0], count: seen.length }));
  } else {
    stop();
    process.stdin.destroy();
  }
});
