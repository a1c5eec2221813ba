import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";
import { type Ref, useState } from "react";
import type { Choice } from "../lib/forms";
import type { Control } from "./form-field";
import { Button } from "./ui/button";
import { Input } from "./ui/input";
import { NativeSelect, NativeSelectOption } from "./ui/native-select";

interface Props extends Control {
  name: string;
  label: string;
  /** The key of one object, or those of several. */
  value: string | string[];
  onChange: (value: string | string[]) => void;
  onBlur: () => void;
  ref: Ref<HTMLSelectElement>;
  /** The group of the list in the client: choices are loaded again after a change of it. */
  group: string;
  /** Ask the API for choices. */
  find: (search: string, signal: AbortSignal) => Promise<Choice[]>;
  /** Ask the API for the choice with a key, if it is not among those that were found. */
  load?: (value: string) => Promise<Choice>;
  isSearched?: boolean;
}

/** A choice of objects of another list, which the API searches. */
export function RelationSelect({ label, value, onChange, group, find, load, isSearched, ref, onBlur, name, ...control }: Props) {
  const [search, setSearch] = useState("");
  const { data = [], error } = useQuery({
    queryKey: [group, "choices", search],
    queryFn: ({ signal }) => find(search, signal),
    placeholderData: keepPreviousData,
  });
  const isMany = Array.isArray(value);
  const chosen = isMany ? value : [value].filter(Boolean);
  const missing = chosen.filter((each) => !data.some((choice) => choice.value === each));
  const loaded = useQueries({
    queries: missing.map((each) => ({
      queryKey: [group, "choice", each],
      queryFn: () => load?.(each) ?? { value: each, label: each },
    })),
  });
  const known = [...missing.map((each, index) => loaded[index]?.data ?? { value: each, label: each }), ...data];
  const offered = isMany ? data.filter((choice) => !chosen.includes(choice.value)) : known;
  return (
    <>
      {isMany && chosen.length > 0 && (
        <ul className="flex flex-wrap gap-2">
          {chosen.map((each) => {
            const shown = known.find((choice) => choice.value === each)?.label ?? each;
            return (
              <li key={each}>
                <Button
                  variant="outline"
                  size="sm"
                  aria-label={`Remove ${shown}`}
                  onClick={() => onChange(chosen.filter((other) => other !== each))}
                >
                  {shown} <span aria-hidden="true">×</span>
                </Button>
              </li>
            );
          })}
        </ul>
      )}
      {isSearched && (
        <Input
          type="search"
          aria-label={`Search: ${label}`}
          placeholder="Search …"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
      )}
      <NativeSelect
        {...control}
        ref={ref}
        name={name}
        onBlur={onBlur}
        value={isMany ? "" : value}
        onChange={(event) => onChange(isMany ? [...chosen, event.target.value] : event.target.value)}
      >
        <NativeSelectOption value="">{isMany ? "Add …" : "–"}</NativeSelectOption>
        {offered.map((choice) => (
          <NativeSelectOption key={choice.value} value={choice.value}>
            {choice.label}
          </NativeSelectOption>
        ))}
      </NativeSelect>
      {error && <p role="alert">{error.message}</p>}
    </>
  );
}
