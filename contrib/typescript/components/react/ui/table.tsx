import type { ComponentProps } from "react";
import { cn } from "../../lib/utils";

export const Table = ({ className, ...props }: ComponentProps<"table">) => (
  <div className="w-full overflow-x-auto">
    <table className={cn("w-full text-sm", className)} {...props} />
  </div>
);

export const TableHeader = (props: ComponentProps<"thead">) => <thead {...props} />;

export const TableBody = (props: ComponentProps<"tbody">) => <tbody {...props} />;

export const TableRow = ({ className, ...props }: ComponentProps<"tr">) => (
  <tr className={cn("border-b border-neutral-200 dark:border-neutral-800", className)} {...props} />
);

export const TableHead = ({ className, ...props }: ComponentProps<"th">) => (
  <th scope="col" className={cn("h-10 px-2 text-left font-medium whitespace-nowrap", className)} {...props} />
);

export const TableCell = ({ className, ...props }: ComponentProps<"td">) => <td className={cn("p-2", className)} {...props} />;
