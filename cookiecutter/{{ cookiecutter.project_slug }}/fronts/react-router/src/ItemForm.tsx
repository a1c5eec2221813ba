import { useEffect, useRef } from "react";
import { Form, Link, redirect, useNavigation } from "react-router";
import type { itemsCreate, itemsDelete, itemsReplace } from "./api/api";
import type { ItemIn, ItemOut } from "./api/schema";
import { hasEnded } from "./browser";
import { type Errors, errorsOf, NO_ERRORS } from "./errors";
import { Field, FormErrors } from "./Field";

const NAMES = ["name", "description", "price", "available"] as const;

/** What somebody has typed. */
export const bodyOf = (typed: FormData): ItemIn => ({
  name: String(typed.get("name")),
  description: String(typed.get("description")),
  price: String(typed.get("price")),
  available: typed.has("available"),
});

type Written = Awaited<ReturnType<typeof itemsCreate | typeof itemsReplace | typeof itemsDelete>>;

/** What a client action returns after a write: the errors, or the way to the list, which is then loaded again. */
export function outcome(result: Written): Errors | Response {
  if (result.ok) return redirect("/");
  return hasEnded(result) ? NO_ERRORS : errorsOf(result.error, NAMES);
}

/** Create an item, or edit this one. `errors` is what the API says about the last attempt. */
export function ItemForm({ item, errors = NO_ERRORS }: { item?: ItemOut; errors?: Errors }) {
  const form = useRef<HTMLFormElement>(null);
  const isBusy = useNavigation().state !== "idle";

  useEffect(() => {
    if (errors === NO_ERRORS) return;
    const first = NAMES.find((name) => errors.fields[name]);
    (first ? (form.current?.elements.namedItem(first) as HTMLElement) : form.current)?.focus();
  }, [errors]);

  return (
    <>
      <h1>{item ? item.name : "New item"}</h1>
      {/* The API validates: one set of rules, and the same messages for every client. */}
      <Form ref={form} method="post" noValidate tabIndex={-1}>
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
          <Link to="/">Cancel</Link>
          {item && (
            <button type="submit" name="delete" value="yes" className="danger" disabled={isBusy}>
              Delete
            </button>
          )}
        </p>
      </Form>
    </>
  );
}
