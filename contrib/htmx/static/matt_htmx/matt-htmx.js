/* What pages with htmx 2 and 4 need: the CSRF token, toasts, dialogs and tabs. */
(() => {
  "use strict";
  const SAFE = /^(GET|HEAD|OPTIONS|TRACE)$/i;

  // The newest token: a page that stays open for long, or a sign-in in between, changes it.
  function token() {
    return document.querySelector('meta[name="matt-csrf"]');
  }

  function isOurs(url) {
    return new URL(url, location.href).origin === location.origin;
  }

  function send(method, url, headers) {
    const meta = token();
    if (meta && meta.content && !SAFE.test(method) && isOurs(url)) headers[meta.dataset.header] = meta.content;
  }

  document.addEventListener("htmx:config:request", (event) => {
    const { request } = event.detail.ctx;
    send(request.method, request.action, request.headers);
  });
  document.addEventListener("htmx:configRequest", (event) => {
    send(event.detail.verb, event.detail.path, event.detail.headers);
  });

  // Behind the body, so that a page that replaces it keeps them.
  const toasts = document.createElement("div");
  toasts.id = "matt-toasts";
  toasts.setAttribute("aria-live", "polite");
  document.documentElement.append(toasts);

  function say(text) {
    const toast = document.createElement("div");
    toast.className = "matt-toast matt-error";
    toast.setAttribute("role", "alert");
    const line = document.createElement("p");
    line.textContent = text;
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "×";
    close.setAttribute("aria-label", "Close");
    close.dataset.mattClose = "";
    toast.append(line, close);
    toasts.append(toast);
  }

  function unreachable() {
    say(toasts.dataset.unreachable || "The server cannot be reached. Try again.");
  }
  document.addEventListener("htmx:sendError", unreachable);
  document.addEventListener("htmx:error", unreachable);

  document.addEventListener("click", (event) => {
    const control = event.target.closest("[data-matt-close], [data-matt-open]");
    if (!control) return;
    if ("mattClose" in control.dataset) {
      const outer = control.closest(".matt-toast, dialog");
      if (outer instanceof HTMLDialogElement) outer.close();
      else if (outer) outer.remove();
    } else {
      const dialog = document.getElementById(control.dataset.mattOpen);
      if (dialog instanceof HTMLDialogElement) dialog.showModal();
    }
  });

  // A form in a dialog has done its work once it was accepted.
  function finish(source, status) {
    const form = source instanceof HTMLFormElement ? source : source?.closest?.("form");
    const dialog = form?.closest("dialog.matt-dialog");
    if (!dialog || !(status >= 200 && status < 300)) return;
    form.reset();
    dialog.close();
  }
  document.addEventListener("htmx:after:request", (event) => {
    finish(event.detail.ctx.sourceElement, event.detail.ctx.response.status);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.xhr) finish(event.detail.elt, event.detail.xhr.status);
  });

  // Tabs: arrows move between them (ARIA Authoring Practices).
  document.addEventListener("keydown", (event) => {
    const tab = event.target.closest('[role="tab"]');
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!tab || !step) return;
    const tabs = [...tab.closest('[role="tablist"]').querySelectorAll('[role="tab"]')];
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    next.focus();
    next.click();
  });
  document.addEventListener("click", (event) => {
    const tab = event.target.closest('[role="tab"]');
    if (!tab) return;
    for (const each of tab.closest('[role="tablist"]').querySelectorAll('[role="tab"]')) {
      const chosen = each === tab;
      each.setAttribute("aria-selected", String(chosen));
      each.tabIndex = chosen ? 0 : -1;
      const panel = document.getElementById(each.getAttribute("aria-controls"));
      if (panel) panel.hidden = !chosen;
    }
  });
})();
