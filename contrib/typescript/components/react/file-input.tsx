import { type ComponentProps, useEffect, useState } from "react";
import { filesOf } from "../lib/forms";
import { Input } from "./ui/input";

type Props = ComponentProps<"input"> & {
  /** What is chosen, as the form knows it. */
  files: FileList | undefined;
  /** The URL of the file that the API has. */
  current?: string | undefined;
};

/** An input for files that shows the images among them. */
export function FileInput({ files, current, ...props }: Props) {
  const chosen = filesOf(files);
  return (
    <>
      {current && !chosen.length && (
        <a href={current} className="text-sm underline">
          {current.split("/").at(-1)}
        </a>
      )}
      <Input type="file" {...props} />
      {chosen.map((file) => (
        <Preview key={`${file.name} ${file.lastModified}`} file={file} />
      ))}
    </>
  );
}

function Preview({ file }: { file: File }) {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (!file.type.startsWith("image/")) return;
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return url ? <img src={url} alt={file.name} className="max-h-40 w-fit rounded-md" /> : null;
}
