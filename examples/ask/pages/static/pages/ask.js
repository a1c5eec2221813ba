// Asks by POST and reads the events of the response. EventSource cannot send a body.
const [form, answer, sources, title] = ["form", "answer", "sources", "title"].map((id) => document.getElementById(id));
let asking = new AbortController();

const handlers = {
  sources(data) {
    sources.replaceChildren(...data.sources.map(show));
    title.hidden = !data.sources.length;
  },
  delta(data) {
    answer.append(data.text);
  },
  citations(data) {
    for (const number of data.citations) sources.children[number - 1].classList.add("cited");
  },
  usage() {},
  done(data) {
    if (data.reason === "no_sources") answer.textContent = "Nothing is found.";
  },
  problem(data) {
    answer.append(` ${data.detail}`);
  },
};

function show(source) {
  const item = document.createElement("li");
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  const text = document.createElement("p");
  summary.textContent = [source.uri, source.heading].filter(Boolean).join(": ");
  text.textContent = source.text;
  details.append(summary, text);
  item.append(details);
  return item;
}

async function ask(question, signal) {
  const response = await fetch("/api/rag/ask", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ question }),
    signal,
  });
  if (!response.ok) throw new Error((await response.json()).detail ?? response.statusText);
  let rest = "";
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    const frames = (rest + part).split("\n\n");
    rest = frames.pop();
    for (const frame of frames) {
      const fields = Object.fromEntries(frame.split("\n").map((line) => line.split(/: (.*)/s, 2)));
      handlers[fields.event]?.(JSON.parse(fields.data));
    }
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  // A second question cancels the first one, and with it the language model.
  asking.abort();
  asking = new AbortController();
  answer.textContent = "";
  try {
    await ask(form.question.value, asking.signal);
  } catch (error) {
    if (error.name !== "AbortError") answer.textContent = String(error.message ?? error);
  }
});
