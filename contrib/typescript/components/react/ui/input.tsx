import type { ComponentProps } from "react";
import { cn } from "../../lib/utils";

export function Input({ className, ...props }: ComponentProps<"input">) {
  return (
    <input
      className={cn(
        "h-9 w-full rounded-md border border-neutral-300 bg-transparent px-3 text-sm focus-visible:outline-2 aria-invalid:border-red-600 file:mr-3 file:h-full file:font-medium dark:border-neutral-700",
        className,
      )}
      {...props}
    />
  );
}
