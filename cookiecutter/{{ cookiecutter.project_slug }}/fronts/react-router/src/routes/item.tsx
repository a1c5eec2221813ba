import { data } from "react-router";
import { Editor } from "../Editor";
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

export default function EditItem({ loaderData }: Route.ComponentProps) {
  return <Editor key={loaderData.id} item={loaderData} />;
}
