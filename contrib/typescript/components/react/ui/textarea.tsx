import type { ComponentProps } from "react";
import { cn } from "../../lib/utils";

export function Textarea({ className, ...props }: ComponentProps<"textarea">) {
  return (
    <textarea
      className={cn(
        "min-h-16 w-full rounded-md border border-neutral-300 bg-transparent px-3 py-2 text-sm focus-visible:outline-2 aria-invalid:border-red-600 dark:border-neutral-700",
        className,
      )}
      {...props}
    />
  );
}
