// Keeps the state in the page's address, so that reloading, bookmarks and links bring it back.
import { decodeState, encodeState } from "./link.js";

const MARK = "#s=";
// Browsers refuse replaceState when it comes too often.
const PAUSE = 200;

export function createAddress(window) {
  let newest = null;
  let timer = 0;

  async function link(state) {
    const { origin, pathname, search } = window.location;
    return origin + pathname + search + MARK + (await encodeState(state));
  }

  async function write() {
    const state = newest;
    const address = await link(state);
    if (state === newest) window.history.replaceState(null, "", address);
  }

  return {
    link,
    /** The state in the address; null without one, and undefined for one that cannot be read. */
    async read() {
      const { hash } = window.location;
      if (!hash.startsWith(MARK)) return null;
      return (await decodeState(hash.slice(MARK.length))) ?? undefined;
    },
    keep(state) {
      newest = state;
      clearTimeout(timer);
      timer = setTimeout(write, PAUSE);
    },
    /** Have it there now; null leaves none. */
    async set(state) {
      clearTimeout(timer);
      newest = state;
      if (state !== null) await write();
      else window.history.replaceState(null, "", window.location.pathname + window.location.search);
    },
    onChange(listener, signal) {
      window.addEventListener("hashchange", listener, { signal });
      signal.addEventListener("abort", () => clearTimeout(timer));
    },
  };
}
