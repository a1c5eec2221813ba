import { needUser } from "../../../visitor";
import { ItemForm } from "../ItemForm";

export default async function NewItem() {
  await needUser("/items/new");
  return <ItemForm />;
}
