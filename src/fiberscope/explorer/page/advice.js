// What a person at this page can do when the fiber ends: the library's own advice speaks of arguments that nobody has here.
import { words } from "./format.js";
import { frozenPixels, lastMove } from "./state.js";

const RELEASE = { words: "release pixels", fits: (state) => frozenPixels(state).size > 0 };
const SHORTER = { words: "go less far", fits: (state) => lastMove(state)?.kind === "drag" };
const DIRECTION = { words: "choose another direction", fits: (state) => lastMove(state)?.kind === "drag" };
const IMAGE = { words: "choose another image to come near", fits: (state) => lastMove(state)?.kind === "morph" };
const RADIUS = { words: "open the neighbourhood", fits: (state, unit) => state.radius === 0 && unit !== null };
const UNDO = { words: "undo", fits: (state) => lastMove(state) !== null };
const START = { words: "start from another image", fits: () => true };

const OUTCOMES = {
  "box corner": {
    why: "every pixel that could still give way is black, white or held",
    ways: [RELEASE, DIRECTION, IMAGE, RADIUS, UNDO],
  },
  "unreachable inside the box": {
    why: "with what is held, no image between black and white has this latent",
    ways: [RELEASE, RADIUS, UNDO],
  },
  stalled: {
    why: "the search found no image between black and white with this latent, though there may be one",
    ways: [RELEASE, RADIUS, SHORTER, UNDO, START],
  },
  "rank-deficient": {
    why: "here some numbers of the latent cannot be moved at all",
    ways: [UNDO, START],
  },
  "direction visible": {
    why: "the network sees all of this direction",
    ways: [DIRECTION, IMAGE, RADIUS],
  },
  "out of steps": {
    why: "the search did not arrive in the time that it has",
    ways: [SHORTER, RELEASE, UNDO],
  },
  "at rounding level": {
    why: "the figures of the computer get no nearer than this",
    ways: [RADIUS, UNDO],
  },
  "not finite": {
    why: "the network answers with no number near this image",
    ways: [UNDO, START],
  },
};

/** {why, ways} for the outcome in a header: half a sentence each; `unit` is that of the radius, null where there is none. */
export function adviceOn({ outcome, advice }, state, unit) {
  const known = OUTCOMES[outcome];
  if (known === undefined) return { why: words(outcome), ways: advice ?? "" };
  const fitting = known.ways.filter((way) => way.fits(state, unit)).map((way) => way.words);
  return { why: known.why, ways: sentence(listed(fitting)) };
}

function listed(ways) {
  return ways.length < 2 ? ways.join("") : `${ways.slice(0, -1).join(", ")} or ${ways.at(-1)}`;
}

function sentence(half) {
  return half === "" ? "" : `${half[0].toUpperCase()}${half.slice(1)}.`;
}
