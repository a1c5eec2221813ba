import "./csp";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import { AvatarForm } from "./components/avatar-form";
import { BookPage } from "./components/book-page";
import { EverythingPage } from "./components/everything-page";
import { ParcelPage } from "./components/parcel-page";

const PAGES = { avatars: AvatarForm, books: BookPage, everything: EverythingPage, parcels: ParcelPage };
const Page = PAGES[location.search.slice(1) as keyof typeof PAGES];
const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <QueryClientProvider client={new QueryClient()}>
      <Page />
    </QueryClientProvider>,
  );
