// Keeps the state in the page's address, so that reloading, bookmarks and links bring it back.
import { decodeState, encodeState } from "./link.js";

const MARK = "#s=";
// Browsers refuse replaceState when it comes too often.
const PAUSE = 200;

export function createAddress(window) {
  let newest = null;
  let timer = 0;
  let known = window.location.hash;

  async function link(state) {
    const { origin, pathname, search } = window.location;
    return origin + pathname + search + MARK + (await encodeState(state));
  }

  async function write() {
    const state = newest;
    const address = await link(state);
    // A link that somebody has just opened here is not overwritten before it was read.
    if (state === newest && window.location.hash === known) replace(address);
  }

  function replace(address) {
    window.history.replaceState(null, "", address);
    known = window.location.hash;
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
      replace(state === null ? window.location.pathname + window.location.search : await link(state));
    },
    onChange(listener, signal) {
      const changed = () => {
        clearTimeout(timer);
        known = window.location.hash;
        listener();
      };
      window.addEventListener("hashchange", changed, { signal });
      signal.addEventListener("abort", () => clearTimeout(timer));
    },
  };
}
