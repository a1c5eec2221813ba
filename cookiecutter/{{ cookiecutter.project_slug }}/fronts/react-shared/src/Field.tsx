import type { InputHTMLAttributes, TextareaHTMLAttributes } from "react";
import { useId } from "react";

type Attributes = InputHTMLAttributes<HTMLInputElement> &
  TextareaHTMLAttributes<HTMLTextAreaElement>;
type Props = Attributes & { name: string; label: string; errors: Record<string, string> };

/** A field with its label and its error, which screen readers announce with it. `rows` makes it a text area. */
export function Field({ name, label, errors, ...attributes }: Props) {
  const id = useId();
  const error = errors[name];
  const shared = {
    ...attributes,
    id,
    name,
    "aria-invalid": error ? true : undefined,
    "aria-describedby": error ? `${id}-error` : undefined,
  };
  return (
    <p className="field">
      <label htmlFor={id}>{label}</label>
      {attributes.rows ? <textarea {...shared} /> : <input {...shared} />}
      {error && (
        <span id={`${id}-error`} className="error">
          {error}
        </span>
      )}
    </p>
  );
}

/** The errors that belong to no field, announced when they appear. */
export function FormErrors({ errors }: { errors: readonly string[] }) {
  if (!errors.length) return null;
  return (
    <div role="alert" className="error">
      {errors.map((error) => (
        <p key={error}>{error}</p>
      ))}
    </div>
  );
}
