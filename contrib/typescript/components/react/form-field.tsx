import { type ReactNode, useId } from "react";
import { type FieldErrors, type FieldValues, get, type Path, type Resolver, set, type UseFormReturn } from "react-hook-form";
import { byField, type Mistake } from "../lib/forms";
import { Field, FieldDescription, FieldError, FieldLabel } from "./ui/field";

/** What connects a control with its label, its help and its error. */
export interface Control {
  id: string;
  "aria-invalid"?: true;
  "aria-describedby"?: string;
  "aria-required"?: true;
}

interface Props {
  label: string;
  help?: string;
  error?: string | undefined;
  required?: boolean;
  orientation?: "vertical" | "horizontal";
  children: (control: Control) => ReactNode;
}

export function FormField({ label, help, error, required, orientation = "vertical", children }: Props) {
  const id = useId();
  const described = [help && `${id}-help`, error && `${id}-error`].filter(Boolean).join(" ");
  const control: Control = {
    id,
    ...(error && { "aria-invalid": true }),
    ...(described && { "aria-describedby": described }),
    ...(required && { "aria-required": true }),
  };
  const isBox = orientation === "horizontal";
  return (
    <Field orientation={orientation} data-invalid={Boolean(error)}>
      {isBox && children(control)}
      <FieldLabel htmlFor={id}>
        {label}
        {required && !isBox && <span aria-hidden="true"> *</span>}
      </FieldLabel>
      {!isBox && children(control)}
      {help && <FieldDescription id={`${id}-help`}>{help}</FieldDescription>}
      <FieldError id={`${id}-error`}>{error}</FieldError>
    </Field>
  );
}

/** Check the values of a form by a function that finds mistakes, such as those of a zod schema. */
export const resolverOf =
  <V extends FieldValues>(find: (values: V) => Mistake[]): Resolver<V> =>
  (values) => {
    const errors: FieldErrors<V> = {};
    for (const [path, message] of Object.entries(byField(values, find(values)))) {
      const name = path || "root";
      // A list may have a mistake of its own beside those of its rows.
      const inner: object | undefined = get(errors, name);
      set(errors, name, { ...inner, type: "invalid", message });
    }
    return Object.keys(errors).length ? { values: {}, errors } : { values, errors: {} };
  };

/** Show what the API refused: each mistake at its field, the first one with the focus, and what has no field above all. */
export function showMistakes<V extends FieldValues>(form: UseFormReturn<V>, mistakes: readonly Mistake[]) {
  let shouldFocus = true;
  for (const [name, message] of Object.entries(byField(form.getValues(), mistakes))) {
    form.setError((name || "root") as Path<V>, { type: "server", message }, { shouldFocus: shouldFocus && name !== "" });
    if (name) shouldFocus = false;
  }
}
