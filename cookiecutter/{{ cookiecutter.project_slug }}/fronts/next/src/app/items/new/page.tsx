import { needUser } from "../../../visitor";
import { Editor } from "../Editor";

export default async function NewItem() {
  await needUser("/items/new");
  return <Editor />;
}
