/** The page: places orders, and shows the open ones. */

import { follow } from "./live.js";

const find = (selector) => document.querySelector(selector);
const WORDS = { placed: "ordered", accepted: "is being made", ready: "ready" };
const NEXT = { placed: ["ready", "Ready"], accepted: ["ready", "Ready"], ready: ["collected", "Collected"] };

async function send(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => undefined);
  if (response === undefined) find("#refusal").textContent = "The server cannot be reached.";
  else find("#refusal").textContent = response.ok ? "" : (await response.json()).detail;
  return response?.ok ?? false;
}

function row(order) {
  const made = find("template").content.cloneNode(true).firstElementChild;
  made.dataset.status = order.status;
  made.querySelector("b").textContent = order.drink;
  made.querySelector(".customer").textContent = `for ${order.customer}`;
  made.querySelector(".status").textContent = WORDS[order.status] + (order.paid ? ", paid" : "");
  const [status, label] = NEXT[order.status];
  const button = made.querySelector("button");
  button.textContent = label;
  button.setAttribute("aria-label", `${label}: ${order.drink} for ${order.customer}`);
  button.addEventListener("click", () => send("PATCH", `/api/orders/${order.id}`, { status }));
  return made;
}

find("#order").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  if (await send("POST", "/api/orders", Object.fromEntries(new FormData(form)))) form.reset();
});

follow(
  "/api/orders/live",
  (orders) => {
    // The events do not tell the place of a row.
    const sorted = [...orders.values()].sort((a, b) => a.id - b.id);
    find("#orders").replaceChildren(...sorted.map(row));
    find("#none").hidden = sorted.length > 0;
  },
  (state) => {
    find("#connection").textContent = state === "open" ? "Live" : "Connecting again …";
  },
);
