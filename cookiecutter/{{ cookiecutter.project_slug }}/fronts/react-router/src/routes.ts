import { index, type RouteConfig, route } from "@react-router/dev/routes";

export default [
  index("routes/items.tsx"),
  route("items/new", "routes/new-item.tsx"),
  route("items/:id", "routes/item.tsx"),
  route("sign-in", "routes/sign-in.tsx"),
  route("*", "routes/not-found.tsx"),
] satisfies RouteConfig;
