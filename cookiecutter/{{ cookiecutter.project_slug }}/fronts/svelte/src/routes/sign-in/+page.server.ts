import { redirect } from "@sveltejs/kit";
import { nextOf } from "../../links";
import type { PageServerLoad } from "./$types";

export const load: PageServerLoad = ({ locals, url }) => {
  const next = nextOf(url.searchParams);
  if (locals.user) redirect(302, next);
  return { next };
};
