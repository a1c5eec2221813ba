// What a form does with an item in the browser: its fields, and then its photo, are stored by the API.
import { itemsCreate, itemsReplace } from "./api/api";
import { hasEnded } from "./browser";
import { type Errors, errorsOf } from "./errors";
import { savePhoto } from "./photos";

/** The fields of the form, as the errors of the API name them. */
export const NAMES = ["name", "description", "price", "available", "photo"];

/** What a form has besides its fields. */
export interface Editing {
  /** The item that exists; undefined for a new one. A new one exists as soon as its fields are stored. */
  id: number | undefined;
  /** Undefined while the photo stays as it is, null if it is removed. */
  photo: File | null | undefined;
}

/** Store a form. Return the errors, or null when all is stored. `show` gets how many percent of the photo are sent. */
export async function saveItem(
  form: HTMLFormElement,
  editing: Editing,
  show: (percent: number) => void,
): Promise<Errors | null> {
  const typed = new FormData(form);
  const body = {
    name: String(typed.get("name")),
    description: String(typed.get("description")),
    price: String(typed.get("price")),
    available: typed.has("available"),
  };
  const { id, photo } = editing;
  const saved = id
    ? await itemsReplace({ path: { item_id: id }, body })
    : await itemsCreate({ body });
  if (!saved.ok) return refuse(saved);
  // The photo may be refused: then the item exists already.
  editing.id = saved.data.id;
  if (photo === undefined) return null;
  const stored = await savePhoto(saved.data.id, photo, show);
  return stored.ok ? null : refuse(stored);
}

/** The errors of a call; none if the session has ended, because the browser opens the page for sign-in then. */
export function refuse(result: { ok: false; status: number; error: object }): Errors {
  return hasEnded(result) ? { fields: {}, other: [] } : errorsOf(result.error, NAMES);
}
