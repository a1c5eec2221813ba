import type { ComponentProps } from "react";
import { cn } from "../../lib/utils";

type FieldProps = ComponentProps<"div"> & { orientation?: "vertical" | "horizontal" };

export const Field = ({ className, orientation = "vertical", ...props }: FieldProps) => (
  <div className={cn("flex gap-2", orientation === "vertical" ? "flex-col" : "flex-wrap items-center", className)} {...props} />
);

export const FieldGroup = ({ className, ...props }: ComponentProps<"div">) => (
  <div className={cn("flex flex-col gap-5", className)} {...props} />
);

export const FieldSet = ({ className, ...props }: ComponentProps<"fieldset">) => (
  <fieldset className={cn("flex min-w-0 flex-col gap-4", className)} {...props} />
);

export const FieldLegend = ({ className, ...props }: ComponentProps<"legend">) => (
  <legend className={cn("mb-2 text-sm font-medium", className)} {...props} />
);

export const FieldLabel = ({ className, ...props }: ComponentProps<"label">) => (
  // biome-ignore lint/a11y/noLabelWithoutControl: whoever uses it names the control by `htmlFor`
  <label className={cn("text-sm font-medium", className)} {...props} />
);

export const FieldDescription = ({ className, ...props }: ComponentProps<"p">) => (
  <p className={cn("text-sm text-neutral-600 dark:text-neutral-400", className)} {...props} />
);

export const FieldError = ({ className, ...props }: ComponentProps<"div">) =>
  props.children ? (
    <div role="alert" className={cn("text-sm text-red-700 dark:text-red-400", className)} {...props} />
  ) : null;
