type ClassName = string | false | null | undefined;

/** Join the names of classes that are true. */
export const cn = (...names: ClassName[]): string => names.filter(Boolean).join(" ");
