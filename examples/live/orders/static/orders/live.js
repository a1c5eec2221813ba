/** A live list in the browser: the rows of a route of `live()`, by their keys. */

/**
 * Follow a live list, and call `show(rows)` with a Map of its rows after each change.
 *
 * `EventSource` connects again by itself, and sends the id of the last event, so no change is missed. It gives up after a
 * response that is not a stream, such as the 503 of a server that starts: then it is opened again here, and begins with the list.
 * Returns a function that ends it.
 */
export function follow(url, show, tell = () => {}) {
  let rows = new Map();
  let source;
  let timer;

  function open() {
    source = new EventSource(url);
    const on = (name, apply) =>
      source.addEventListener(name, (event) => {
        apply(JSON.parse(event.data));
        show(rows);
      });
    on("list", (items) => (rows = new Map(items.map((item) => [item.id, item]))));
    on("upsert", ({ key, item }) => rows.set(key, item));
    on("remove", ({ key }) => rows.delete(key));
    source.onopen = () => tell("open");
    source.onerror = () => {
      tell("lost");
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, 1000);
    };
  }

  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
