"use strict";
/* Starts the view that the page names, passes deep links from one view to the other, and follows dark mode. */
(() => {
  const config = JSON.parse(document.getElementById("docs-config").textContent);
  const target = document.getElementById("docs");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  // The bundles make style elements that know no nonce; the policy of the page lets in only those that do.
  const createElement = Document.prototype.createElement;
  Document.prototype.createElement = function (name, ...rest) {
    const element = createElement.call(this, name, ...rest);
    if (element instanceof HTMLStyleElement) element.nonce = config.nonce;
    return element;
  };

  // #swagger/… and #redoc/… name the view themselves; each view's own links are known by their shape.
  const named = /^#(swagger|redoc)(?:\/(.*))?$/.exec(location.hash);
  const shaped = /^#\//.test(location.hash) ? "swagger" : /^#(tag|operation|section|schema)\//.test(location.hash) ? "redoc" : null;
  if (named || (shaped && shaped !== config.view && !new URLSearchParams(location.search).has("view"))) {
    const view = named ? named[1] : shaped;
    const rest = named ? (named[2] ? (view === "swagger" ? "#/" : "#") + named[2] : "") : location.hash;
    const address = location.pathname + "?view=" + view + rest;
    if (view !== config.view) {
      location.replace(address);
      return;
    }
    history.replaceState(null, "", address);
  }

  const slug = (tag) => decodeURIComponent(tag).trim().replace(/\s+/g, "-");
  const translate = (hash, view) => {
    const swagger = /^#\/([^/]+)(?:\/([^/]+))?$/.exec(hash);
    const redoc = /^#(?:tag\/([^/]+)\/?)?(?:operation\/(.+))?$/.exec(hash);
    if (view === "redoc" && swagger) {
      const tag = swagger[1] === "default" ? "" : "tag/" + slug(swagger[1]);
      return "#" + [tag, swagger[2] && "operation/" + swagger[2]].filter(Boolean).join("/");
    }
    if (view === "swagger" && redoc && (redoc[1] || redoc[2])) {
      return "#/" + [redoc[1] || "default", redoc[2]].filter(Boolean).join("/");
    }
    return "";
  };
  // While ReDoc settles it empties the address that it was opened with; until the reader moves, that address stands.
  let opened = location.hash;
  const moved = (event) => {
    if (!(event.target instanceof Element && event.target.closest(".docs-bar"))) opened = "";
  };
  for (const name of ["wheel", "touchmove", "pointerdown", "keydown"]) addEventListener(name, moved, { capture: true, passive: true });
  for (const view of ["swagger", "redoc"]) {
    const link = document.getElementById("to-" + view);
    link.addEventListener("click", () => {
      const hash = opened || location.hash;
      link.hash = view === config.view ? hash : translate(hash, view);
    });
  }

  const intercept = (request) => {
    // The token is for this site only: a document may list servers elsewhere.
    if (config.csrf && new URL(request.url, location.href).origin === location.origin) {
      request.headers[config.csrf.header] = config.csrf.token;
    }
    return request;
  };

  const startSwagger = () => {
    const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
    paint();
    dark.addEventListener("change", paint);
    SwaggerUIBundle({
      deepLinking: true,
      layout: "BaseLayout",
      validatorUrl: null,
      ...config.options,
      url: config.url,
      domNode: target,
      presets: [SwaggerUIBundle.presets.apis],
      requestInterceptor: intercept,
    });
  };

  const darkTheme = {
    colors: {
      primary: { main: "#a5b4fc" },
      success: { main: "#7ddba3" },
      error: { main: "#ff9a90" },
      text: { primary: "#eceef3", secondary: "#a7aebd" },
      border: { dark: "#323845", light: "#323845" },
      responses: {
        success: { color: "#7ddba3", backgroundColor: "#14261d", tabTextColor: "#7ddba3" },
        error: { color: "#ff9a90", backgroundColor: "#2b1819", tabTextColor: "#ff9a90" },
      },
    },
    schema: { nestedBackground: "#1e222b", typeNameColor: "#a7aebd", typeTitleColor: "#a7aebd", requireLabelColor: "#ff9a90", linesColor: "#6b7280" },
    sidebar: { backgroundColor: "#171a21", textColor: "#eceef3", activeTextColor: "#a5b4fc" },
    rightPanel: { backgroundColor: "#0a0c10" },
    codeBlock: { backgroundColor: "#171a21" },
    typography: { code: { color: "#ffb4ab", backgroundColor: "#1e222b" }, links: { color: "#a5b4fc", visited: "#a5b4fc", hover: "#c7d2fe" } },
  };
  const lightTheme = { colors: { primary: { main: "#4338ca" } } };
  const fonts = getComputedStyle(document.body).fontFamily;

  const startRedoc = () => {
    const place = document.createElement("div");
    target.replaceChildren(place);
    const base = dark.matches ? darkTheme : lightTheme;
    const theme = { ...base, typography: { ...base.typography, fontFamily: fonts, headings: { fontFamily: fonts } } };
    Redoc.init(config.url, { theme, nonce: config.nonce, scrollYOffset: 0, ...config.options }, place);
  };

  const bundle = document.createElement("script");
  bundle.src = target.dataset.bundle;
  bundle.addEventListener("error", () => { target.textContent = "The documentation could not be loaded."; });
  bundle.addEventListener("load", () => {
    if (config.view === "redoc") {
      startRedoc();
      dark.addEventListener("change", startRedoc);
    } else {
      startSwagger();
    }
  });
  document.head.append(bundle);
})();
