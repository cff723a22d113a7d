// Puts the explorer together inside an element, on any transport that carries the protocol.
import { createBrush } from "./brush.js";
import { createChannel } from "./channel.js";
import { createCopying } from "./copying.js";
import { createDirections } from "./directions.js";
import { make } from "./elements.js";
import { createFiles } from "./files.js";
import { words } from "./format.js";
import { createLatents } from "./latents.js";
import { createLibrary } from "./library.js";
import { createMorph } from "./morph.js";
import { createNeighbourhood } from "./neighbourhood.js";
import { createNotices } from "./notices.js";
import { createNumbers } from "./numbers.js";
import { createPicker } from "./picker.js";
import { createSession } from "./session.js";
import { createStage } from "./stage.js";
import { startAt } from "./state.js";
import { createTabs } from "./tabs.js";
import { createToolbar } from "./toolbar.js";
import { createTray } from "./tray.js";

/** Returns {latencies, state(), shown()} for measuring; `address` keeps states in links, as address.js does. */
export function mount(root, transport, { address }) {
  const handle = { latencies: [], state: () => null, shown: () => null };
  const notices = createNotices();
  let parts = null;
  let found = null;
  const channel = createChannel(transport, {
    welcome(header) {
      if (parts === null) {
        parts = build(root, header, found, { channel, notices, address });
        handle.latencies = parts.session.latencies;
        handle.state = parts.session.state;
        handle.shown = parts.session.shown;
      } else parts.resume();
      notices.clear("connection");
      parts.toolbar.connected(true);
    },
    closed() {
      notices.say("connection", "The connection to fiberscope is lost. Trying again; your image is safe here.");
      parts?.toolbar.connected(false);
    },
    trouble: (sentence) => notices.say("trouble", sentence),
  });
  root.append(notices.element);
  address.read().then((read) => {
    found = read;
    channel.listen();
  });
  return handle;
}

/** `read` is the state in the address: null where there is none, undefined where it is broken. */
function build(root, welcome, read, { channel, notices, address }) {
  if (read === undefined) notices.say("news", "The link could not be read: this is the first image instead.");
  const first = read ?? startAt({ index: 0 });
  const session = createSession(channel, welcome.limits, first);
  const trouble = (sentence) => notices.say("trouble", sentence);
  const news = (sentence, stays = false) => notices.say("news", sentence, stays);
  const library = createLibrary(channel);
  const picker = createPicker({
    welcome,
    library,
    trouble,
    start: ({ reference }) => {
      const { space, radius } = session.committed();
      session.commit(startAt(reference, { space, radius }));
    },
  });
  const copying = createCopying({ channel, session, address, trouble, news });
  const toolbar = createToolbar({ session, welcome, copying });
  const stage = createStage(welcome.shape);
  const numbers = createNumbers(welcome);
  const latents = createLatents();
  const brush = createBrush({ session, stage, welcome });
  const shared = { channel, session, welcome, library, picker };
  const directions = createDirections(shared);
  const morph = createMorph(shared);
  const neighbourhood = createNeighbourhood(shared);
  const tray = createTray({ session, welcome, files: createFiles({ channel, trouble, news }), news, trouble });
  const tabs = createTabs("Ways to change the image", [
    { name: "Drag", ...directions },
    { name: "Morph", ...morph },
    { name: "Neighbourhood", ...neighbourhood },
  ]);

  const middle = make(
    "main",
    { class: "stage", "data-testid": "stage", "aria-label": "Image" },
    notices.element,
    make("div", { class: "upper" }, stage.large, numbers.element),
    brush.tools,
    make("div", { class: "lower" }, ...stage.small, latents.element),
  );
  const tools = make("section", { class: "panel change", "aria-label": "Change" }, tabs.list, ...tabs.pages);
  const left = make("div", { class: "left" }, picker.element, tray.element);
  root.replaceChildren(toolbar.element, make("div", { class: "workspace" }, left, middle, tools), copying.dialog);

  session.on("frame", (frame) => {
    stage.draw(frame, middle);
    numbers.draw(frame);
    latents.draw(frame);
  });
  follow(session, { numbers, notices, picker, address });
  tabs.open("Drag");
  session.commit(first);
  toolbar.sync(first);
  address.onChange(async () => {
    const state = await address.read();
    if (state) session.commit(state);
    else if (state === undefined) trouble("The link could not be read: it is not whole.");
  });

  function resume() {
    library.resume();
    session.resume();
    directions.resume();
    neighbourhood.resume();
  }
  return { session, toolbar, resume };
}

/** What else changes with the state and the frames: notices, the marked thumbnail, the address. */
function follow(session, { numbers, notices, picker, address }) {
  session.on("verdict", numbers.verdict);
  session.on("state", (state) => {
    picker.mark(state.image);
    address.keep(state);
  });
  session.on("wish", () => notices.clear("trouble"));
  session.on("trouble", (sentence) => notices.say("trouble", sentence));
  session.on("blocked", (header) => {
    notices.say(
      "fiber",
      `The fiber does not go on this way (${words(header.outcome)}). ${header.advice} The last image on it stays.`,
    );
  });
  session.on("frame", (frame) => {
    if (frame.on_fiber && frame.quiet) return;
    if (frame.on_fiber) notices.clear("fiber");
    else if (frame.state.straight) notices.say("fiber", "A straight line: not corrected, so it drifts off the fiber.");
    else
      notices.say(
        "fiber",
        `Off the fiber: with what is held, no image was found that the network sees as the same (${words(frame.outcome)}). Shown is the best approach: release pixels or undo. ${frame.advice}`,
      );
  });
}
