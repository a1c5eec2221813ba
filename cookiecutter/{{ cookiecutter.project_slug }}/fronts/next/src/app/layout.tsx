import "../style.css";
import type { Metadata } from "next";
import Link from "next/link";
import type { ReactNode } from "react";
import { currentUser } from "../visitor";
import { SignOut } from "./SignOut";

export const metadata: Metadata = {
  title: "{{ cookiecutter.project_name }}",
  icons: { icon: "data:," },
};

export default async function Layout({ children }: { children: ReactNode }) {
  const user = await currentUser();
  return (
    <html lang="en">
      <body>
        <a className="skip" href="#main">
          Skip to content
        </a>
        <header>
          <nav aria-label="Main">
            <Link href="/">Items</Link>
            <a href="/api/docs">API</a>
          </nav>
          {user ? (
            <p className="account">
              <a href="/accounts/">{user.email}</a>
              <SignOut />
            </p>
          ) : (
            <Link href="/sign-in">Sign in</Link>
          )}
        </header>
        <main id="main" tabIndex={-1}>
          {children}
        </main>
      </body>
    </html>
  );
}
