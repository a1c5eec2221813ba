import { Editor } from "../Editor";
import { needUser } from "../visitor";
import type { Route } from "./+types/new-item";

export async function loader(args: Route.LoaderArgs) {
  await needUser(args);
  return null;
}

export default function NewItem() {
  return <Editor />;
}
