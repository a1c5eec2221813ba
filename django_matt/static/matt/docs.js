"use strict";
/* Starts the view that the page names, passes deep links from one view to the other, follows dark mode, and shortens what the views show. */
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
  // While ReDoc settles it empties the address that it was opened with; until the reader moves, that address is kept.
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

  // ---- What the views show of the document. openapi.json itself has everything, for clients and their generators. ----

  // Errors that any route can return, and that a reader need not see on each: they become one response, `default`.
  const everywhere = { BadRequest: 400, NotAcceptable: 406, ContentTooLarge: 413, UnsupportedMediaType: 415, InternalServerError: 500, ServiceUnavailable: 503 };
  const errors = { ...everywhere, Unauthorized: 401, Forbidden: 403, NotFound: 404, Conflict: 409, PreconditionFailed: 412, PreconditionRequired: 428, TooManyRequests: 429 };
  const foldErrors = (operation, components) => {
    const others = [];
    for (const [status, response] of Object.entries(operation.responses || {})) {
      const name = String(response.$ref || "").replace("#/components/responses/", "");
      const meant = components[name];
      if (!meant) continue;
      if (everywhere[name] === Number(status) && !operation.responses.default) {
        delete operation.responses[status];
        others.push({ status, content: meant.content });
      } else if (errors[name] === Number(status)) {
        operation.responses[status] = { description: meant.description };
      } else {
        const { headers, ...rest } = meant;
        operation.responses[status] = rest;
      }
    }
    if (others.length) {
      const statuses = others.map((each) => each.status);
      const last = statuses.pop();
      const listed = statuses.length ? `${statuses.join(", ")} or ${last}` : last;
      operation.responses.default = { description: `Any other error: ${listed}.`, content: others.at(-1).content };
    }
  };

  // Text in a URL cannot be null, and a number is text there anyway. What is left out gets its default: do not fill it in.
  const simplifyParameter = (parameter) => {
    const { anyOf, ...rest } = parameter.schema || {};
    if (anyOf) {
      const left = anyOf.filter((each) => each.type !== "null");
      const numbers = left.filter((each) => each.type === "number" || each.type === "integer");
      const isNumber = left.length === 2 && numbers.length === 1 && left.some((each) => each.type === "string");
      const [only, ...more] = isNumber ? numbers : left;
      parameter.schema = only && !more.length ? { ...only, ...rest } : { anyOf: left, ...rest };
    }
    const { default: preset, ...schema } = parameter.schema || {};
    if (!parameter.required && schema.type === "string" && !schema.enum && typeof preset === "string") {
      parameter.schema = schema;
      if (preset) parameter.description = [parameter.description, `Default: \`${preset}\``].filter(Boolean).join("\n\n");
    }
  };

  // Without an example of the author's the views make one up: random text for a pattern, the smallest number for bounds.
  const texts = ["string", "1.00", "1", "example-1", "A1", "2026-01-31", "12:00", "user@example.com"];
  const exampleText = ({ pattern, minLength = 0, maxLength = Infinity }) => {
    let expression;
    try {
      expression = new RegExp(pattern, "u");
    } catch {
      return undefined;
    }
    const length = Math.max(minLength, Math.min(6, maxLength));
    const fitting = "string".repeat(Math.ceil(length / 6)).slice(0, length);
    return [fitting, ...texts].find((text) => expression.test(text) && text.length >= minLength && text.length <= maxLength);
  };
  const exampleNumber = ({ minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity, multipleOf }) =>
    [1, 0].find((n) => n >= minimum && n <= maximum && n > exclusiveMinimum && n < exclusiveMaximum && !(multipleOf && n % multipleOf));
  const bounds = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];
  const addExamples = (schema) => {
    if (!schema || typeof schema !== "object") return;
    if (["example", "examples", "default", "enum", "const"].some((word) => word in schema)) return;
    let example;
    if (schema.type === "string" && typeof schema.pattern === "string") example = exampleText(schema);
    if (["integer", "number"].includes(schema.type) && bounds.some((word) => word in schema)) example = exampleNumber(schema);
    if (example !== undefined) schema.examples = [example];
    for (const word of ["anyOf", "oneOf", "allOf", "prefixItems"]) (schema[word] || []).forEach(addExamples);
    for (const word of ["properties", "$defs"]) Object.values(schema[word] || {}).forEach(addExamples);
    for (const word of ["items", "additionalProperties"]) addExamples(schema[word]);
  };
  const contents = (holder) => Object.values((holder && holder.content) || {});

  const shorten = (specification) => {
    const { schemas = {}, responses = {} } = specification.components || {};
    Object.values(schemas).forEach(addExamples);
    for (const methods of Object.values(specification.paths || {})) {
      for (const operation of Object.values(methods)) {
        if (!operation || !operation.responses) continue;
        foldErrors(operation, responses);
        (operation.parameters || []).forEach(simplifyParameter);
        for (const holder of [operation.requestBody, ...Object.values(operation.responses)]) {
          for (const media of contents(holder)) addExamples(media.schema);
        }
      }
    }
    return specification;
  };

  // Swagger UI reads the document by itself: by its address it knows what relative servers are relative to.
  const shortenResponse = (response) => {
    if (new URL(response.url, location.href).href !== new URL(config.url, location.href).href || !response.ok) return response;
    try {
      response.text = JSON.stringify(shorten(JSON.parse(response.text)));
    } catch (error) {
      console.warn("The document is shown as it is.", error);
    }
    return response;
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
      responseInterceptor: shortenResponse,
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

  const fetchShortened = () =>
    fetch(config.url, { headers: { Accept: "application/json" } })
      .then((response) => response.json())
      .then(shorten)
      .catch(() => config.url); // ReDoc then says itself what is wrong

  const startRedoc = (specification) => {
    const place = document.createElement("div");
    target.replaceChildren(place);
    const base = dark.matches ? darkTheme : lightTheme;
    const theme = { ...base, typography: { ...base.typography, fontFamily: fonts, headings: { fontFamily: fonts } } };
    const options = { theme, nonce: config.nonce, scrollYOffset: 0, downloadDefinitionUrl: config.url, ...config.options };
    // ReDoc changes what it is given, and starts again when the colours change.
    Redoc.init(typeof specification === "string" ? specification : structuredClone(specification), options, place);
  };

  const bundle = document.createElement("script");
  bundle.src = target.dataset.bundle;
  bundle.addEventListener("error", () => { target.textContent = "The documentation could not be loaded."; });
  bundle.addEventListener("load", () => {
    if (config.view === "redoc") {
      fetchShortened().then((specification) => {
        startRedoc(specification);
        dark.addEventListener("change", () => startRedoc(specification));
      });
    } else {
      startSwagger();
    }
  });
  document.head.append(bundle);
})();
