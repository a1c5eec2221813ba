import { itemsCreate } from "../api/api";
import { bodyOf, ItemForm, outcome } from "../ItemForm";
import { needUser } from "../visitor";
import type { Route } from "./+types/new-item";

export async function loader(args: Route.LoaderArgs) {
  await needUser(args);
  return null;
}

// In the browser, which writes to the API itself: Django checks the session and the CSRF token.
export async function clientAction({ request }: Route.ClientActionArgs) {
  return outcome(await itemsCreate({ body: bodyOf(await request.formData()) }));
}

export default function NewItem({ actionData }: Route.ComponentProps) {
  return <ItemForm errors={actionData} />;
}
