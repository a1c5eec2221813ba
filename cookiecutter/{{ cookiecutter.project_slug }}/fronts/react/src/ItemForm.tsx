import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { itemsDelete } from "./api/api";
import { CallError } from "./api/client";
import { itemsReadQuery, useItemsCreate, useItemsReplace } from "./api/react";
import type { ItemIn, ItemOut } from "./api/schema";
import { errorsOf, NO_ERRORS, sentenceOf } from "./errors";
import { Field, FormErrors } from "./Field";
import { PhotoField } from "./PhotoField";
import { savePhoto } from "./photos";

const NAMES = ["name", "description", "price", "available", "photo"] as const;

/** Create an item, or edit the one with this id. */
export default function ItemForm({ id }: { id?: number }) {
  if (id === undefined) return <Editor />;
  return <Loaded id={id} />;
}

function Loaded({ id }: { id: number }) {
  const { data, error } = useQuery(itemsReadQuery({ path: { item_id: id } }));
  // A failed refetch keeps the data: the form and what was typed stay.
  if (error && !data) {
    return (
      <>
        <h1>Item</h1>
        <p role="alert">{sentenceOf(error.result.error)}</p>
        <Link href="/">To the items</Link>
      </>
    );
  }
  return data ? <Editor item={data} /> : <p role="status">Loading …</p>;
}

function Editor({ item }: { item?: ItemOut }) {
  const form = useRef<HTMLFormElement>(null);
  const [errors, setErrors] = useState(NO_ERRORS);
  const [isBusy, setIsBusy] = useState(false);
  const [stored, setStored] = useState(item);
  // Undefined while the photo stays as it is, null when it is removed.
  const [photo, setPhoto] = useState<File | null>();
  const [sent, setSent] = useState<number>();
  const [, navigate] = useLocation();
  const create = useItemsCreate();
  const replace = useItemsReplace();
  const queries = useQueryClient();

  function show(refusal: Parameters<typeof errorsOf>[0]) {
    const found = errorsOf(refusal, NAMES);
    setErrors(found);
    const first = NAMES.find((name) => found.fields[name]);
    (first ? (form.current?.elements.namedItem(first) as HTMLElement) : form.current)?.focus();
  }

  async function save(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const typed = new FormData(event.currentTarget);
    const body: ItemIn = {
      name: String(typed.get("name")),
      description: String(typed.get("description")),
      price: String(typed.get("price")),
      available: typed.has("available"),
    };
    setErrors(NO_ERRORS);
    setIsBusy(true);
    try {
      const saved = stored
        ? await replace.mutateAsync({ path: { item_id: stored.id }, body })
        : await create.mutateAsync({ body });
      // The photo may be refused: then the item exists already.
      setStored(saved);
      if (photo !== undefined) {
        const result = await savePhoto(saved.id, photo, setSent);
        if (!result.ok) return show(result.error);
        await queries.invalidateQueries({ queryKey: ["items"] });
      }
      navigate("/");
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      show(error.result.error);
    } finally {
      setIsBusy(false);
      setSent(undefined);
    }
  }

  async function remove(item_id: number) {
    const result = await itemsDelete({ path: { item_id } });
    if (!result.ok) return setErrors(errorsOf(result.error, NAMES));
    // Not useItemsDelete: it reads all items of this page again, and this one is gone.
    navigate("/");
    await queries.invalidateQueries({ queryKey: ["items", "list"] });
    queries.removeQueries(itemsReadQuery({ path: { item_id } }));
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
          <Link href="/">Cancel</Link>
          {item && (
            <button
              type="button"
              className="danger"
              disabled={isBusy}
              onClick={() => void remove(item.id)}
            >
              Delete
            </button>
          )}
        </p>
      </form>
    </>
  );
}
