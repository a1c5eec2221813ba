import { error, redirect } from "@sveltejs/kit";
import { signInLink } from "../../../links";
import { readItem } from "../../../server";
import type { PageServerLoad } from "./$types";

export const load: PageServerLoad = async ({ locals, params, url }) => {
  if (!locals.user) redirect(302, signInLink(url.pathname));
  return { item: (await readItem(locals.client, params.id)) ?? error(404, "Page not found") };
};
