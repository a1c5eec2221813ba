import { data } from "react-router";
import { itemsDelete, itemsReplace } from "../api/api";
import { bodyOf, ItemForm, outcome } from "../ItemForm";
import { readItem } from "../server";
import { answer, needUser, visitorOf } from "../visitor";
import type { Route } from "./+types/item";

export async function loader(args: Route.LoaderArgs) {
  await needUser(args);
  const { client } = visitorOf(args.context);
  const item = await answer(args.url, readItem(client, args.params.id));
  if (item) return item;
  throw data(null, { status: 404 });
}

// In the browser, which writes to the API itself: Django checks the session and the CSRF token.
export async function clientAction({ request, params }: Route.ClientActionArgs) {
  const typed = await request.formData();
  const path = { item_id: Number(params.id) };
  if (typed.has("delete")) return outcome(await itemsDelete({ path }));
  return outcome(await itemsReplace({ path, body: bodyOf(typed) }));
}

export default function EditItem({ loaderData, actionData }: Route.ComponentProps) {
  return <ItemForm key={loaderData.id} item={loaderData} errors={actionData} />;
}
