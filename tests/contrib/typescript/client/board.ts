// Shows the live list of the board by the hook.
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import { orders } from "./api";
import { useLiveList } from "./live-react";

function Board() {
  const { rows, state } = useLiveList(orders.listLive);
  const texts = rows.map((row) => createElement("li", { key: row.id }, `${row.id} ${row.status}`));
  return createElement("ul", { "data-state": state }, texts);
}

const place = document.body.appendChild(document.createElement("div"));
const root = createRoot(place);
root.render(createElement(Board));
Object.assign(window, { unmount: () => root.unmount() });
