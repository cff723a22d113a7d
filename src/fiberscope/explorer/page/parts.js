// The parts of the explorer and the lines between them.
import { adviceOn } from "./advice.js";
import { createBrush } from "./brush.js";
import { createCopying } from "./copying.js";
import { createDirections } from "./directions.js";
import { make } from "./elements.js";
import { createFiles } from "./files.js";
import { createLatents } from "./latents.js";
import { createLibrary } from "./library.js";
import { createMorph } from "./morph.js";
import { createNeighbourhood } from "./neighbourhood.js";
import { createNumbers } from "./numbers.js";
import { createPicker } from "./picker.js";
import { createSession } from "./session.js";
import { createStage } from "./stage.js";
import { key, startAt } from "./state.js";
import { createTabs } from "./tabs.js";
import { createToolbar } from "./toolbar.js";
import { createTray } from "./tray.js";

/** Fill the root and show the first state; what is returned goes on after a lost connection and stops for good. */
export function build(welcome, first, { root, channel, notices, address, surroundings, signal }) {
  const session = createSession(channel, welcome.limits, first);
  const trouble = (sentence) => notices.say("trouble", sentence);
  const news = (sentence, stays = false) => notices.say("news", sentence, { stays });
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
  const toolbar = createToolbar({ session, welcome, copying, root, surroundings, signal });
  const stage = createStage(welcome.shape);
  const numbers = createNumbers(welcome);
  const latents = createLatents(signal);
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
  session.on("verdict", numbers.verdict);
  follow(session, { welcome, first, notices, picker, address });
  tabs.open("Drag");
  session.commit(first);
  toolbar.sync(first);
  address.onChange(async () => {
    const state = await address.read();
    if (state) session.commit(state);
    else if (state === undefined) trouble("The link could not be read: it is not whole.");
  }, signal);

  function resume() {
    library.resume();
    session.resume();
    directions.resume();
    neighbourhood.resume();
  }
  return { welcome, session, toolbar, resume, stop: morph.stop };
}

/** What else changes with the state and the frames: notices, the marked thumbnail, the address. */
function follow(session, { welcome, first, notices, picker, address }) {
  const trouble = (sentence) => notices.say("trouble", sentence);
  session.on("state", (state) => {
    picker.mark(state.image);
    address.keep(state);
  });
  session.on("wish", () => notices.clear("trouble"));
  session.on("trouble", trouble);
  session.on("refused", (sentence) => {
    const plain = startAt({ index: 0 });
    const other = key(first) !== key(plain) && key(session.committed()) !== key(plain);
    if (other) session.commit(plain);
    trouble(other ? `The link does not fit here: this is the first image instead. ${sentence}` : sentence);
  });
  session.on("blocked", (header, state) => {
    const { why, ways } = adviceOn(header, state, welcome.radius_unit);
    notices.say("fiber", `The fiber does not go on this way: ${why}. The last image on it stays. ${ways}`);
  });
  session.on("frame", (frame) => {
    if (frame.on_fiber && frame.quiet) return;
    if (frame.on_fiber) notices.clear("fiber");
    else if (frame.state.straight) notices.say("fiber", "A straight line: not corrected, so it drifts off the fiber.");
    else {
      const { why, ways } = adviceOn(frame, frame.state, welcome.radius_unit);
      notices.say("fiber", `Off the fiber, and shown is the best approach: ${why}. ${ways}`);
    }
  });
}
