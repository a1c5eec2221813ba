import { notFound } from "next/navigation";
import { readItem } from "../../../server";
import { needUser, orSignIn, visitor } from "../../../visitor";
import { Editor } from "../Editor";

export default async function EditItem({ params }: PageProps<"/items/[id]">) {
  const { id } = await params;
  const here = `/items/${id}`;
  await needUser(here);
  const item = await orSignIn(readItem(await visitor(), id), here);
  return <Editor key={id} item={item ?? notFound()} />;
}
