import { askedFor, readItems } from "../server";
import type { PageServerLoad } from "./$types";

export const load: PageServerLoad = async ({ locals, url }) => {
  const asked = askedFor(url.searchParams);
  return { ...asked, ...(await readItems(locals.client, asked)) };
};
