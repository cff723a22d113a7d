// The list of states that a person has made, and where in it they are.
import { key, sameButLast } from "./state.js";

const LONGEST = 1000;
// Key presses on one slider within this time are one step to undo.
const ONE_STEP = 1000;

export function createHistory(first) {
  let states = [first];
  let place = 0;
  let lastLabel = null;
  let lastTime = 0;

  /** Add a state after the present one; with the label of a moment ago, on the same move, it replaces that one instead. */
  function commit(state, label = null) {
    const now = performance.now();
    const again = label !== null && label === lastLabel && now - lastTime < ONE_STEP && place > 0;
    const here = states[place];
    if (key(state) !== key(here)) {
      if (again && (sameButLast(state, here) || key(state) === key(states[place - 1]))) replace(state);
      else {
        states = [...states.slice(0, place + 1), state].slice(-LONGEST);
        place = states.length - 1;
      }
    }
    lastLabel = label;
    lastTime = now;
  }

  function replace(state) {
    states = [...states.slice(0, place), state];
    if (place > 0 && key(state) === key(states[place - 1])) {
      states.pop();
      place -= 1;
    }
    lastLabel = null;
  }

  function step(by) {
    place = Math.min(Math.max(place + by, 0), states.length - 1);
    lastLabel = null;
    return states[place];
  }

  return {
    commit,
    replace,
    undo: () => step(-1),
    redo: () => step(1),
    present: () => states[place],
    previous: () => states[Math.max(place - 1, 0)],
    canUndo: () => place > 0,
    canRedo: () => place < states.length - 1,
  };
}
