import { Link, useNavigate } from "react-router";
import type { ItemOut } from "./api/schema";
import { ItemForm } from "./ItemForm";

export function Editor({ item }: { item?: ItemOut }) {
  const navigate = useNavigate();
  // Loaders run for each page that is opened: the list is what it is now.
  return (
    <ItemForm item={item} onDone={() => void navigate("/")} cancel={<Link to="/">Cancel</Link>} />
  );
}
