import type { ComponentProps } from "react";
import { cn } from "../../lib/utils";

export function NativeSelect({ className, ...props }: ComponentProps<"select">) {
  return (
    <select
      className={cn(
        "h-9 w-full rounded-md border border-neutral-300 bg-white px-3 text-sm focus-visible:outline-2 aria-invalid:border-red-600 dark:border-neutral-700 dark:bg-neutral-900",
        className,
      )}
      {...props}
    />
  );
}

export const NativeSelectOption = (props: ComponentProps<"option">) => <option {...props} />;
