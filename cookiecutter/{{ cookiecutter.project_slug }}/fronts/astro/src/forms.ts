// The errors of a form, each at its field, where screen readers announce it.
import type { Errors } from "./errors";

/** Remove the errors that are shown. */
export function clear(form: HTMLFormElement): void {
  for (const shown of form.querySelectorAll(".error")) shown.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }
}

/** Show errors, and give the focus to the first field that has one. */
export function show(form: HTMLFormElement, { fields, other }: Errors): void {
  clear(form);
  let first: HTMLElement | undefined;
  for (const field of form.elements) {
    const said = fields[(field as HTMLInputElement).name];
    if (!said || !(field instanceof HTMLElement)) continue;
    const message = document.createElement("span");
    message.className = "error";
    message.id = `${field.id}-error`;
    message.textContent = said;
    field.after(message);
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", message.id);
    first ??= field;
  }
  if (other.length) {
    const alert = document.createElement("div");
    alert.className = "error";
    alert.setAttribute("role", "alert");
    for (const said of other) {
      const sentence = document.createElement("p");
      sentence.textContent = said;
      alert.append(sentence);
    }
    form.prepend(alert);
  }
  (first ?? form).focus();
}
