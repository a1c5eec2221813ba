import { redirect } from "next/navigation";
import { nextOf } from "../../links";
import { currentUser, queryOf } from "../../visitor";
import { hasPassword, pages } from "../../ways";
import { PasswordForm } from "./PasswordForm";

export default async function SignIn({ searchParams }: PageProps<"/sign-in">) {
  const next = nextOf(await queryOf(searchParams));
  if (await currentUser()) redirect(next);
  return (
    <>
      <h1>Sign in</h1>
      {hasPassword && <PasswordForm next={next} />}
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
