// What the forms and tables share: values of inputs from an object of the API and back, and mistakes at their fields.
import type { Call, Data, Options } from "<< api >>/client";

/** The body of an operation, such as `BodyOf<typeof productsCreate>`. */
export type BodyOf<C> =
  C extends Call<infer O>
    ? Options<O> extends { body?: infer B }
      ? Exclude<B, FormData | URLSearchParams | undefined>
      : never
    : never;
/** What an operation returns. */
export type DataOf<C> = C extends Call<infer O> ? Data<O> : never;
/** The query parameters of an operation. */
export type QueryOf<C> = C extends Call<infer O> ? (Options<O> extends { query?: infer Q } ? Q : never) : never;
/** The names of a body's fields, so that the compiler finds one that the API has no more. */
export type Fields<B> = { [name in keyof B]?: unknown };
export type Loose = Record<string, unknown>;

export interface Choice {
  value: string;
  label: string;
}

/** A mistake in a field: `lines.0.quantity`. An empty path is the form. */
export interface Mistake {
  path: string;
  message: string;
}

// ---- from an object to inputs ----

export const textFrom = (value: unknown): string => (value == null ? "" : String(value));

/** The key of a relation, also of one that is nested. */
export const keyFrom = (value: unknown, key: string): string => textFrom(objectFrom(value)?.[key] ?? value);

export const listFrom = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

export const objectFrom = (value: unknown): Loose | undefined =>
  typeof value === "object" && value !== null ? (value as Loose) : undefined;

export const jsonFrom = (value: unknown): string => (value == null ? "" : JSON.stringify(value, null, 2));

/** A time of the API as `datetime-local` shows it: in the time zone of the browser. */
export function localFrom(value: unknown): string {
  const text = textFrom(value);
  const date = new Date(text);
  if (!/(Z|[+-]\d\d:?\d\d)$/.test(text) || Number.isNaN(date.getTime())) return text.slice(0, 19);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

// ---- from inputs to a body: what is empty is undefined, and what cannot be read stays for the check ----

const NOT_JSON = Symbol("not JSON");

export const textOf = (text: string): string | undefined => text || undefined;

export function numberOf(text: string): number | string | undefined {
  if (!text.trim()) return undefined;
  return Number.isNaN(Number(text)) ? text : Number(text);
}

export function instantOf(text: string): string | undefined {
  const date = new Date(text);
  return text && !Number.isNaN(date.getTime()) ? date.toISOString() : text || undefined;
}

export const optionOf = (text: string, options: readonly unknown[]): unknown =>
  options.find((option) => String(option) === text) ?? (text || undefined);

export const linesOf = (text: string): string[] => text.split(/\r?\n/).filter((line) => line.trim());

export function jsonOf(text: string): unknown {
  if (!text.trim()) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return NOT_JSON;
  }
}

export const filesOf = (files: FileList | null | undefined): File[] => Array.from(files ?? []);
export const fileOf = (files: FileList | null | undefined): File | undefined => files?.[0];

/** Whether nothing was entered in any field of an object. */
export function isBlank(value: unknown): boolean {
  if (value instanceof FileList) return !value.length;
  const object = objectFrom(value);
  return !value || (object !== undefined && Object.values(object).every(isBlank));
}

/** What differs from the object as it was: a PATCH sends nothing else. */
export function changed<B>(body: object, before: object): B {
  const old = before as Loose;
  const differs = ([name, value]: [string, unknown]) =>
    value !== undefined && (value instanceof Blob || JSON.stringify(value) !== JSON.stringify(old[name]));
  return Object.fromEntries(Object.entries(body).filter(differs)) as B;
}

/** A body without some fields. */
export const without = <B>(body: object, names: readonly string[]): B =>
  Object.fromEntries(Object.entries(body).filter(([name]) => !names.includes(name))) as B;

/** A body without its files, which JSON and its zod schema do not have. */
export const withoutFiles = (body: object): Loose =>
  Object.fromEntries(Object.entries(body).filter(([, value]) => !(value instanceof Blob)));

// ---- mistakes ----

interface Schema {
  safeParse(value: unknown): {
    success: boolean;
    error?: { issues: readonly { path: readonly PropertyKey[]; message: string }[] } | undefined;
  };
}

function* unreadable(value: unknown, path: readonly string[] = []): Generator<Mistake> {
  if (value === NOT_JSON) yield { path: path.join("."), message: "This is not JSON." };
  if (value instanceof Blob) return;
  for (const [name, each] of Object.entries(objectFrom(value) ?? {})) yield* unreadable(each, [...path, name]);
}

const at = (value: unknown, path: readonly PropertyKey[]) =>
  path.reduce<unknown>((inner, name) => objectFrom(inner)?.[String(name)], value);

/** Return what a zod schema refuses. */
export function check(schema: Schema, body: unknown): Mistake[] {
  const found = [...unreadable(body)];
  if (found.length) return found;
  return (schema.safeParse(body).error?.issues ?? []).map(({ path, message }) => ({
    path: path.map(String).join("."),
    message: at(body, path) == null ? "Enter a value." : message,
  }));
}

/** Return what the API refused, from its problem document (RFC 9457): `#/body/price` belongs to `price`. */
export function mistakesOf(problem: object): Mistake[] {
  const { errors, detail, message, title } = problem as Loose;
  const found = listFrom(errors).map((each) => {
    const { pointer, detail: said } = objectFrom(each) ?? {};
    const parts = textFrom(pointer).split("/").slice(2);
    const path = parts.map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"));
    // pydantic names the exception of a validator first.
    return { path: path.join("."), message: textFrom(said).replace(/^(Value|Assertion) error, /, "") };
  });
  if (found.length) return found;
  return [{ path: "", message: [detail, message, title].find((text) => typeof text === "string" && text) as string }];
}

/** Return the field that shows the mistakes of a path: the last one on its way that the form has. */
export function fieldOf(values: unknown, path: string): string {
  const found: string[] = [];
  let inner = values;
  for (const name of path.split(".")) {
    const object = inner instanceof FileList ? undefined : objectFrom(inner);
    // The items of a list of texts have no fields of their own.
    const isItem = Array.isArray(inner) && !objectFrom(inner[Number(name)]);
    if (!object || isItem || !Object.hasOwn(object, name)) break;
    found.push(name);
    inner = object[name];
  }
  return found.join(".");
}

/** The first mistake of each field, by its name; what has no field is at "". */
export function byField(values: unknown, mistakes: readonly Mistake[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { path, message } of mistakes) found[fieldOf(values, path)] ??= message;
  return found;
}

// ---- what a table shows ----

const NAMES = ["name", "title", "label", "full_name", "username", "email", "id"];

/** A value as a text: an object by its name, a list by those of its items, a choice by its label. */
export function shown(value: unknown, labels: Record<string, string> = {}): string {
  if (value == null || value === "") return "–";
  if (Array.isArray(value)) return value.map((each) => shown(each, labels)).join(", ") || "–";
  const object = objectFrom(value);
  if (object) return shown(NAMES.map((name) => object[name]).find((each) => each != null) ?? JSON.stringify(value));
  const text = String(value);
  const label = Object.hasOwn(labels, text) ? labels[text] : undefined;
  return label ?? (typeof value === "boolean" ? (value ? "Yes" : "No") : text);
}

/** A date or a time as people write it where the browser is. */
export function shownDate(value: unknown): string {
  const text = textFrom(value);
  // Without a time it is a day, which is the same in every time zone.
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text);
  const date = new Date(isDay ? `${text}T00:00` : text);
  if (Number.isNaN(date.getTime())) return shown(value);
  return isDay ? date.toLocaleDateString() : date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
