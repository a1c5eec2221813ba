import { redirect } from "next/navigation";
import { nextOf } from "../../links";
import { currentUser, queryOf } from "../../visitor";
import { pages } from "../../ways";
import { SignInForms } from "./Forms";

export default async function SignIn({ searchParams }: PageProps<"/sign-in">) {
  const next = nextOf(await queryOf(searchParams));
  if (await currentUser()) redirect(next);
  return (
    <>
      <h1>Sign in</h1>
      <SignInForms next={next} />
      <ul className="ways">
        {pages.map(({ label, href }) => (
          <li key={href}>
            <a href={href}>{label}</a>
          </li>
        ))}
      </ul>
    </>
  );
}
