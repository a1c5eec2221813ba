import { redirect } from "@sveltejs/kit";
import { signInLink } from "../../../links";
import type { PageServerLoad } from "./$types";

export const load: PageServerLoad = ({ locals, url }) => {
  if (!locals.user) redirect(302, signInLink(url.pathname));
};
