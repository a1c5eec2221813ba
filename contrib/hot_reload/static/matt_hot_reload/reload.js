// Reloads styles and pages when their files change, and shows why the server does not start.
(() => {
  if (window.mattHotReload) return;
  window.mattHotReload = "connects";

  const script = document.currentScript;
  const folder = new URL(".", script.src);
  const address = new URL("reload", folder);
  address.protocol = folder.protocol === "https:" ? "wss:" : "ws:";
  const isFailing = "failing" in script.dataset;
  const isFault = Number(script.dataset.status) >= 500;
  let version = script.dataset.version;
  let socket;
  let timer;
  let delay = 100;

  function connect() {
    clearTimeout(timer);
    socket = new WebSocket(address);
    socket.addEventListener("open", () => { delay = 100; });
    socket.addEventListener("message", (event) => hear(JSON.parse(event.data)));
    socket.addEventListener("close", () => {
      timer = setTimeout(connect, delay);
      delay = Math.min(delay * 1.7, 5000);
    });
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && socket.readyState === WebSocket.CLOSED) connect();
  });

  function hear(message) {
    if (message.type === "hello") {
      window.mattHotReload = "listens";
      if (message.failure && !isFailing) show(message.failure);
      else if (message.version !== version) reload(message.version);
      else hide();
    } else if (message.type === "reload") {
      reload(message.version);
    } else if (message.type === "css") {
      version = message.version;
      restyle(message.files);
    } else if (message.type === "failure" && !isFault) {
      if (!message.page || message.page === location.pathname + location.search) show(message.id);
    }
  }

  // ---- pages

  function keep(name, value) {
    // A page in a sandbox has no storage.
    try { sessionStorage.setItem(name, JSON.stringify(value)); } catch { /* it starts at its top then */ }
  }

  function kept(name) {
    try { return JSON.parse(sessionStorage.getItem(name)); } catch { return null; }
  }

  function reload(wanted) {
    const here = location.pathname + location.search;
    const last = kept("matt-reloaded");
    if (last && last.version === wanted && last.here === here) {
      // A cache has sent the old page again; another reload would not help.
      version = wanted;
      return;
    }
    keep("matt-reloaded", { version: wanted, here });
    const boxes = [...document.querySelectorAll("[id]")]
      .filter((box) => box.scrollTop || box.scrollLeft)
      .map((box) => [box.id, box.scrollLeft, box.scrollTop]);
    keep("matt-scroll", { here, x: scrollX, y: scrollY, boxes });
    // Reloading the response to a form would ask whether to send the form again.
    if (script.dataset.method === "POST") location.replace(here);
    else location.reload();
  }

  function scrollBack() {
    const place = kept("matt-scroll");
    try { sessionStorage.removeItem("matt-scroll"); } catch { /* as above */ }
    if (!place || place.here !== location.pathname + location.search) return;
    scrollTo({ left: place.x, top: place.y, behavior: "instant" });
    for (const [id, left, top] of place.boxes) {
      document.getElementById(id)?.scrollTo({ left, top, behavior: "instant" });
    }
  }

  if (document.readyState === "complete") scrollBack();
  else addEventListener("load", scrollBack);

  // ---- styles

  function restyle(files) {
    const own = [...document.querySelectorAll("link[rel~=stylesheet][href]:not([data-matt-old])")]
      .filter((link) => new URL(link.href).origin === location.origin);
    const named = own.filter((link) => {
      const path = decodeURIComponent(new URL(link.href).pathname);
      return files.some((file) => path.endsWith("/" + file));
    });
    // A file without a link is imported by another stylesheet, so reload all of them.
    const hasAll = files.every((file) => named.some((link) => decodeURIComponent(link.href).includes("/" + file)));
    for (const link of hasAll ? named : own) {
      const fresh = link.cloneNode();
      const href = new URL(link.href);
      href.searchParams.set("matt", version);
      fresh.removeAttribute("integrity");
      fresh.href = href;
      // Remove the old link when the new one has loaded, so that the page is never without style.
      link.dataset.mattOld = "";
      fresh.addEventListener("load", () => {
        // Remove all old links: one that was replaced before it had loaded does not remove the one before it.
        while (isOld(fresh.previousElementSibling)) fresh.previousElementSibling.remove();
      });
      fresh.addEventListener("error", () => {
        if (!isOld(fresh)) delete link.dataset.mattOld;
        fresh.remove();
      });
      link.after(fresh);
    }
  }

  function isOld(element) {
    return element?.dataset?.mattOld !== undefined;
  }

  // ---- the overlay

  let overlay;

  function show(id) {
    hide();
    // A shadow tree keeps the styles of the page out. Styles are set by script, which no policy forbids.
    const host = document.createElement("matt-hot-reload");
    const dialog = document.createElement("dialog");
    const frame = document.createElement("iframe");
    const button = document.createElement("button");
    dialog.setAttribute("aria-label", "Error of the server");
    frame.title = "Error of the server";
    frame.src = new URL("failure?id=" + encodeURIComponent(id), folder);
    button.textContent = "Close";
    button.type = "button";
    button.addEventListener("click", hide);
    dialog.addEventListener("close", hide);
    frame.addEventListener("load", () => {
      frame.contentWindow.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
    });
    Object.assign(dialog.style, {
      position: "fixed", inset: "0", width: "min(76rem, 100vw - 2rem)", height: "calc(100vh - 2rem)",
      maxWidth: "none", maxHeight: "none", margin: "auto", padding: "0", border: "1px solid #b42318",
      borderRadius: "10px", overflow: "hidden", background: "Canvas", colorScheme: "light dark",
    });
    Object.assign(frame.style, { width: "100%", height: "100%", border: "0", display: "block" });
    Object.assign(button.style, {
      position: "absolute", right: "1.5rem", bottom: "1rem", padding: "8px 16px", font: "600 15px system-ui, sans-serif",
      color: "#fff", background: "#b42318", border: "2px solid #fff", borderRadius: "8px", cursor: "pointer",
    });
    dialog.append(frame, button);
    host.attachShadow({ mode: "open" }).append(dialog);
    document.documentElement.append(host);
    dialog.showModal();
    button.focus({ preventScroll: true });
    overlay = host;
  }

  function hide() {
    overlay?.remove();
    overlay = undefined;
  }

  connect();
})();
