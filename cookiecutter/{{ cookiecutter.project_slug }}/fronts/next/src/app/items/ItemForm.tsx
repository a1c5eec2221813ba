"use client";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { type FormEvent, useRef, useState, useTransition } from "react";
import { itemsCreate, itemsDelete, itemsReplace } from "../../api/api";
import type { ItemIn, ItemOut } from "../../api/schema";
import { hasEnded } from "../../browser";
import { errorsOf, NO_ERRORS } from "../../errors";
import { Field, FormErrors } from "../../Field";

const NAMES = ["name", "description", "price", "available"] as const;

/** Create an item, or edit this one. The browser writes to the API: its rules, its errors, and the CSRF check of Django. */
export function ItemForm({ item }: { item?: ItemOut }) {
  const form = useRef<HTMLFormElement>(null);
  const [errors, setErrors] = useState(NO_ERRORS);
  const [isBusy, startTransition] = useTransition();
  const router = useRouter();

  /** Write, then show the list, or the errors at their fields. */
  function write(
    call: () => ReturnType<typeof itemsCreate | typeof itemsReplace | typeof itemsDelete>,
  ) {
    setErrors(NO_ERRORS);
    startTransition(async () => {
      const result = await call();
      if (hasEnded(result)) return;
      if (result.ok) {
        router.push("/");
        // Pages that the browser has kept show what was before.
        router.refresh();
        return;
      }
      const found = errorsOf(result.error, NAMES);
      setErrors(found);
      const first = NAMES.find((name) => found.fields[name]);
      (first ? (form.current?.elements.namedItem(first) as HTMLElement) : form.current)?.focus();
    });
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
    write(() =>
      item ? itemsReplace({ path: { item_id: item.id }, body }) : itemsCreate({ body }),
    );
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
        <p className="bar">
          <button type="submit" disabled={isBusy}>
            Save
          </button>
          <Link href="/">Cancel</Link>
          {item && (
            <button
              type="button"
              className="danger"
              disabled={isBusy}
              onClick={() => write(() => itemsDelete({ path: { item_id: item.id } }))}
            >
              Delete
            </button>
          )}
        </p>
      </form>
    </>
  );
}
