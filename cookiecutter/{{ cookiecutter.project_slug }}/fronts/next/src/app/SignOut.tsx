"use client";
export { SignOut } from "../SignOut";
