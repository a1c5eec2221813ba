import { type FormEvent, type ReactNode, useRef, useState } from "react";
import { itemsDelete } from "./api/api";
import type { ItemOut } from "./api/schema";
import { type Errors, NO_ERRORS } from "./errors";
import { Field, FormErrors } from "./Field";
import { NAMES, refuse, saveItem } from "./items";
import { PhotoField } from "./PhotoField";
import { useReady } from "./ready";

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
  const isReady = useReady();
  // Undefined while the photo stays as it is, null when it is removed.
  const [photo, setPhoto] = useState<File | null>();
  const [sent, setSent] = useState<number>();
  // A new item exists as soon as its fields are stored, also if its photo is refused.
  const id = useRef(item?.id);

  /** Write, then open the list, or show the errors at their fields, the first of which gets the focus. */
  async function write(call: () => Promise<Errors | null>) {
    setErrors(NO_ERRORS);
    setIsBusy(true);
    const found = await call();
    setSent(undefined);
    if (!found) return onDone();
    setIsBusy(false);
    setErrors(found);
    const first = NAMES.find((name) => found.fields[name]);
    (first ? (form.current?.elements.namedItem(first) as HTMLElement) : form.current)?.focus();
  }

  function save(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const typed = event.currentTarget;
    void write(async () => {
      const editing = { id: id.current, photo };
      const found = await saveItem(typed, editing, setSent);
      id.current = editing.id;
      return found;
    });
  }

  async function remove(item_id: number) {
    const result = await itemsDelete({ path: { item_id } });
    return result.ok ? null : refuse(result);
  }

  return (
    <>
      <h1>{item ? item.name : "New item"}</h1>
      {/* The API validates: one set of rules, and the same messages for every client. */}
      <form ref={form} onSubmit={save} noValidate tabIndex={-1}>
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
          stored={item?.photo}
          photo={photo}
          onChange={setPhoto}
          sent={sent}
          error={errors.fields.photo}
        />
        <p className="bar">
          <button type="submit" disabled={isBusy || !isReady}>
            Save
          </button>
          {cancel}
          {item && (
            <button
              type="button"
              className="danger"
              disabled={isBusy || !isReady}
              onClick={() => void write(() => remove(item.id))}
            >
              Delete
            </button>
          )}
        </p>
      </form>
    </>
  );
}
