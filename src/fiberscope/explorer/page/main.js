// Opens the WebSocket and mounts the view on it; nothing else, so that a notebook can mount the view on another transport.
//
// For measuring and for tests the page offers `window.fiberscope`:
//   latencies  the newest 2000 waits in milliseconds, each from the time stamp of the input event whose wish was sent (of
//              several that came while the server was busy, the newest) to the moment when all canvas calls of its frame had
//              been issued. What comes after is not in it: no handler learns when the compositor has put a frame on the screen
//   state()    the state that is wished, as plain JSON data
//   shown()    that of the last frame that was drawn
//   unmount()  takes the explorer out of the page
import { createAddress } from "./address.js";
import { createTransport } from "./transport.js";
import { mount } from "./view.js";

const session = new URL("session", new URL(".", location.href));
session.protocol = location.protocol === "https:" ? "wss:" : "ws:";
window.fiberscope = mount(document.getElementById("explorer"), createTransport(session.href), {
  address: createAddress(window),
  surroundings: {
    title(words) {
      document.title = words;
    },
    restart: () => location.reload(),
  },
});
