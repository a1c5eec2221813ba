"use client";
export { SignInForms } from "../../SignInForms";
