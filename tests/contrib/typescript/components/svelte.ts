import "./csp";
import { mount } from "svelte";
import AvatarForm from "./components/avatar-form.svelte";
import BookPage from "./components/book-page.svelte";
import EverythingPage from "./components/everything-page.svelte";
import ParcelPage from "./components/parcel-page.svelte";

const PAGES = { avatars: AvatarForm, books: BookPage, everything: EverythingPage, parcels: ParcelPage };
const target = document.getElementById("root");
if (target) mount(PAGES[location.search.slice(1) as keyof typeof PAGES], { target });
