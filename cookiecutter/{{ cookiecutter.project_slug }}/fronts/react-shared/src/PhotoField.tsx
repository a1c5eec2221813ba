import { useEffect, useId, useRef, useState } from "react";
import { PHOTO_TYPES, previewOf } from "./photos";

interface Props {
  /** The URL of the photo that the item has. */
  stored?: string | null;
  /** What was chosen instead: a file, null for none, undefined for what is stored. */
  photo: File | null | undefined;
  onChange: (photo: File | null) => void;
  /** How many percent of it are sent; undefined before and after. */
  sent?: number;
  error?: string;
}

/** A field for a photo, which shows it, also before it is stored, and while it is sent how much of it is. */
export function PhotoField({ stored, photo, onChange, sent, error }: Props) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [preview, setPreview] = useState<string>();

  useEffect(() => {
    setPreview(undefined);
    let isLatest = true;
    if (photo)
      previewOf(photo).then(
        (found) => isLatest && setPreview(found),
        () => undefined, // A file that cannot be read is not shown; sending it says why.
      );
    return () => {
      isLatest = false;
    };
  }, [photo]);

  function remove() {
    if (input.current) input.current.value = "";
    onChange(null);
  }

  const shown = photo === undefined ? stored : preview;
  return (
    <div className="field photo">
      <label htmlFor={id}>Photo</label>
      {shown && <img src={shown} alt="" onError={() => setPreview(undefined)} />}
      <input
        ref={input}
        id={id}
        name="photo"
        type="file"
        accept={PHOTO_TYPES}
        aria-invalid={error ? true : undefined}
        aria-describedby={error ? `${id}-error` : undefined}
        onChange={({ target }) => target.files?.[0] && onChange(target.files[0])}
      />
      {shown && (
        <button type="button" className="other" onClick={remove}>
          Remove photo
        </button>
      )}
      {sent !== undefined && <progress max={100} value={sent} aria-label="Sending the photo" />}
      {error && (
        <span id={`${id}-error`} className="error">
          {error}
        </span>
      )}
    </div>
  );
}
