import { useNavigate, useNavigation } from "react-router";
import { listLink } from "./links";
import { SearchField } from "./SearchField";

export function Search({ value }: { value: string }) {
  const navigate = useNavigate();
  const isPending = useNavigation().state !== "idle";
  return (
    <SearchField
      value={value}
      isPending={isPending}
      onSearch={(text) =>
        void navigate(listLink(text, 1), { replace: true, preventScrollReset: true })
      }
    />
  );
}
