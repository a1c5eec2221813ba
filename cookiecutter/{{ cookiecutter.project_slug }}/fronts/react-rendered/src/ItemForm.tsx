import { type FormEvent, type ReactNode, useRef, useState } from "react";
import { itemsCreate, itemsDelete, itemsReplace } from "./api/api";
import type { ItemIn, ItemOut } from "./api/schema";
import { hasEnded } from "./browser";
import { errorsOf, NO_ERRORS } from "./errors";
import { Field, FormErrors } from "./Field";
import { PhotoField } from "./PhotoField";
import { savePhoto } from "./photos";

const NAMES = ["name", "description", "price", "available", "photo"] as const;

type Written =
  | { ok: true; status: number }
  | { ok: false; status: number; error: Parameters<typeof errorsOf>[0] };

interface Props {
  /** What is edited; a new item without it. */
  item?: ItemOut;
  /** Called when all is stored: open the list, and load it again. */
  onDone: () => void;
  cancel: ReactNode;
}

/** Create an item, or edit one. The browser writes to the API itself: Django checks the session, the CSRF token and the values. */
export function ItemForm({ item, onDone, cancel }: Props) {
  const form = useRef<HTMLFormElement>(null);
  const [errors, setErrors] = useState(NO_ERRORS);
  const [isBusy, setIsBusy] = useState(false);
  const [stored, setStored] = useState(item);
  // Undefined while the photo stays as it is, null when it is removed.
  const [photo, setPhoto] = useState<File | null>();
  const [sent, setSent] = useState<number>();

  /** Write, then open the list, or show the errors at their fields, the first of which gets the focus. */
  async function write(call: () => Promise<Written>) {
    setErrors(NO_ERRORS);
    setIsBusy(true);
    const result = await call();
    setSent(undefined);
    if (result.ok) return onDone();
    setIsBusy(false);
    if (hasEnded(result)) return;
    const found = errorsOf(result.error, NAMES);
    setErrors(found);
    const first = NAMES.find((name) => found.fields[name]);
    (first ? (form.current?.elements.namedItem(first) as HTMLElement) : form.current)?.focus();
  }

  function save(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const typed = new FormData(event.currentTarget);
    const body: ItemIn = {
      name: String(typed.get("name")),
      description: String(typed.get("description")),
      price: String(typed.get("price")),
      available: typed.has("available"),
    };
    void write(async () => {
      const saved = stored
        ? await itemsReplace({ path: { item_id: stored.id }, body })
        : await itemsCreate({ body });
      if (!saved.ok) return saved;
      // The photo may be refused: then the item exists already.
      setStored(saved.data);
      return photo === undefined ? saved : savePhoto(saved.data.id, photo, setSent);
    });
  }

  return (
    <>
      <h1>{item ? item.name : "New item"}</h1>
      {/* The API validates: one set of rules, and the same messages for every client. */}
      <form ref={form} method="post" onSubmit={save} noValidate tabIndex={-1}>
        <FormErrors errors={errors.other} />
        <Field
          name="name"
          label="Name"
          errors={errors.fields}
          required
          maxLength={200}
          defaultValue={item?.name}
        />
        <Field
          name="description"
          label="Description"
          errors={errors.fields}
          rows={4}
          defaultValue={item?.description}
        />
        <Field
          name="price"
          label="Price"
          errors={errors.fields}
          required
          inputMode="decimal"
          defaultValue={item?.price}
        />
        <label className="check">
          <input type="checkbox" name="available" defaultChecked={item?.available ?? true} />{" "}
          Available
        </label>
        <PhotoField
          stored={stored?.photo}
          photo={photo}
          onChange={setPhoto}
          sent={sent}
          error={errors.fields.photo}
        />
        <p className="bar">
          <button type="submit" disabled={isBusy}>
            Save
          </button>
          {cancel}
          {item && (
            <button
              type="button"
              className="danger"
              disabled={isBusy}
              onClick={() => void write(() => itemsDelete({ path: { item_id: item.id } }))}
            >
              Delete
            </button>
          )}
        </p>
      </form>
    </>
  );
}
