// Asks for images of the data set, one question after the other; a newer page takes the place of one not yet asked.
import { fromBase64, row } from "./wire.js";

export function createLibrary(channel) {
  let queue = [];
  let busy = false;
  const known = new Map();

  function next() {
    if (busy || queue.length === 0) return;
    busy = true;
    const entry = queue[0];
    channel.ask({ type: "browse", ...entry.query }, (header, arrays) => {
      busy = false;
      if (header.type === "lost") return;
      queue = queue.filter((other) => other !== entry);
      if (header.type === "error") entry.reject(new Error(header.message));
      else entry.resolve(collect(header, arrays));
      next();
    });
  }

  function collect(header, arrays) {
    const items = header.items.map((item, place) => ({ ...item, pixels: row(arrays.images, place) }));
    for (const item of items) known.set(item.index, item);
    return { total: header.total, items };
  }

  function browse(query, { page = false } = {}) {
    if (page) queue = queue.filter((entry, place) => !entry.page || (busy && place === 0));
    return new Promise((resolve, reject) => {
      queue.push({ query, page, resolve, reject });
      next();
    });
  }

  /** What is known of an image that a state refers to: its label (null if it has none) and its bytes. */
  async function find(reference) {
    if (reference.pixels !== undefined) return { reference, label: null, pixels: fromBase64(reference.pixels) };
    const { index } = reference;
    if (!known.has(index)) await browse({ label: null, sort: "index", descending: false, offset: index, count: 1 });
    return { reference, ...known.get(index) };
  }

  return { browse, find, resume: next };
}
