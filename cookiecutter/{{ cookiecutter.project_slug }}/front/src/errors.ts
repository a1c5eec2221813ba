// What went wrong, in words, and at which field.

/** A problem document, an error of allauth (`param`, `message`), or a call without a response (`message`). */
interface Refusal {
  status?: number;
  title?: string;
  detail?: unknown;
  message?: string;
  errors?: readonly { pointer?: string; detail?: string; param?: string; message?: string }[];
}

export interface Errors {
  /** The message for each field, by its name. */
  fields: Record<string, string>;
  /** What belongs to no field of the form. */
  other: string[];
}

export const NO_ERRORS: Errors = { fields: {}, other: [] };

/** Sort the errors of a problem document (RFC 9457) by the fields of a form: `#/body/price` belongs to `price`. */
export function errorsOf(refusal: Refusal, names: readonly string[]): Errors {
  const found: Errors = { fields: {}, other: [] };
  for (const { pointer = "", detail, param, message } of refusal.errors ?? []) {
    const name = param ?? pointer.split("/").at(-1) ?? "";
    const said = detail ?? message ?? "";
    if (names.includes(name)) found.fields[name] ??= said;
    else found.other.push(said);
  }
  if (!refusal.errors?.length) found.other.push(sentenceOf(refusal));
  return found;
}

export function sentenceOf(refusal: Refusal): string {
  if (typeof refusal.detail === "string" && refusal.detail) return refusal.detail;
  return refusal.message || refusal.title || "Something went wrong.";
}
