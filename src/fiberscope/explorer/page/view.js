// Puts the explorer inside an element, on any transport that carries the protocol, and takes it away again.
import { createChannel } from "./channel.js";
import { createNotices } from "./notices.js";
import { build } from "./parts.js";
import { createReconnection } from "./reconnection.js";
import { ownsItsImages, startAt } from "./state.js";

const BROKEN = "The link could not be read: this is the first image instead.";
const NOWHERE = { title() {}, restart() {} };

/**
 * Returns {latencies, state(), shown(), unmount()}, the first three for measuring. `address` keeps states in links, as
 * address.js does. `surroundings` are what an explorer with a page of its own does to it: title(words) names it, and
 * restart() begins anew when the server has come back with another model.
 */
export function mount(root, transport, { address, surroundings = NOWHERE }) {
  const handle = { latencies: [], state: () => null, shown: () => null, unmount };
  const ending = new AbortController();
  const { signal } = ending;
  const notices = createNotices();
  const { ownerDocument: document } = root;
  const reconnection = createReconnection({ document, transport, notices, signal });
  let parts = null;
  let found = null;
  let scene = null;
  const channel = createChannel(transport, {
    welcome(header) {
      reconnection.restored();
      if (scene === null) begin(header);
      else if (sceneOf(header) === scene.key) parts.resume();
      else {
        restart(header);
        return;
      }
      notices.clear("connection");
      parts.toolbar.connected(true);
    },
    closed(how) {
      // What the server said in parting is in the notice of the connection, in words for a page that can come back.
      if (how?.returns === false) notices.clear("trouble");
      reconnection.lost(how);
      parts?.toolbar.connected(false);
    },
    trouble: (sentence) => notices.say("trouble", sentence),
  });
  root.classList.add("explorer");
  root.append(notices.element);
  address.read().then((read) => {
    found = read;
    if (!signal.aborted) channel.listen();
  });

  function begin(header) {
    scene = { key: sceneOf(header), data: dataOf(header) };
    const plain = startAt({ index: 0 });
    // The state in the address is null where there is none, and undefined where it is broken.
    let whole = found !== undefined;
    try {
      parts = attempt(header, found ?? plain);
    } catch (error) {
      if (!found) throw error;
      whole = false;
      parts = attempt(header, plain);
    }
    if (!whole) notices.say("trouble", BROKEN);
    handle.latencies = parts.session.latencies;
    handle.state = parts.session.state;
    handle.shown = parts.session.shown;
  }

  /** Build it all with a state; where that fails, nothing of it goes on listening. */
  function attempt(header, state) {
    const failing = new AbortController();
    const around = { root, channel, notices, address, surroundings, signal: AbortSignal.any([signal, failing.signal]) };
    try {
      return build(header, state, around);
    } catch (error) {
      failing.abort();
      throw error;
    }
  }

  /** Another model, or other data: what is on the page belongs to what is gone. */
  async function restart(header) {
    const state = parts.session.committed();
    const fits =
      dataOf(header) === scene.data || (shapeOf(header) === shapeOf(parts.welcome) && ownsItsImages(state));
    unmount();
    await address.set(fits ? state : null);
    surroundings.restart();
  }

  function unmount() {
    transport.close();
    parts?.stop();
    ending.abort();
    root.replaceChildren();
    root.classList.remove("explorer");
  }

  return handle;
}

const shapeOf = ({ shape }) => shape.join();
const dataOf = ({ data, count, shape }) => JSON.stringify([data, count, shape]);
const sceneOf = (header) => JSON.stringify([header.model, header.layer, header.latent_size, dataOf(header)]);
