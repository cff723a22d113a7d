// What is shown and what is wished: one question in flight, the newest wish waiting, history behind it.
import { createEmitter } from "./emitter.js";
import { createHistory } from "./history.js";
import { beforeLast, key, openDrag } from "./state.js";

const MOST_LATENCIES = 2000;

/**
 * Events: "state" (committed, undone, redone), "wish" (a state about to be shown), "frame", "verdict", "blocked" (a drag left
 * the fiber, its frame is not drawn), "trouble" (a sentence), "refused" (a sentence, before anything could be drawn).
 */
export function createSession(channel, limits, first) {
  const history = createHistory(first);
  const { on, emit } = createEmitter();
  const latencies = [];
  let inFlight = null;
  let waiting = null;
  let newest = first;
  let drawn = null;
  let answered = null;
  let blocked = null;

  function show(state, { manner = "jump", time = null, quiet = false } = {}) {
    newest = state;
    const wish = { state, manner, time, quiet };
    emit("wish", state);
    if (inFlight !== null) waiting = wish;
    else send(wish);
  }

  function send(wish) {
    inFlight = wish;
    channel.ask({ type: "show", state: wish.state }, (header, arrays) => answer(wish, header, arrays));
  }

  function answer(wish, header, arrays) {
    if (header.type === "verdict") {
      if (drawn !== null && drawn.id === header.id) emit("verdict", header);
      return;
    }
    inFlight = null;
    const next = waiting;
    waiting = null;
    // The next question goes out before this answer is drawn: the server computes meanwhile.
    if (next !== null && header.type !== "lost") send(next);
    if (header.type === "error") emit(drawn === null && next === null ? "refused" : "trouble", header.message);
    if (header.type === "frame") receive(wish, header, arrays);
  }

  function receive(wish, header, arrays) {
    if (wish.manner === "drag" && !header.on_fiber && !wish.state.straight) {
      blocked = wish.state;
      emit("blocked", header, wish.state);
      if (key(history.present()) === key(wish.state)) stepBack();
      return;
    }
    blocked = null;
    present({ ...header, ...arrays, state: wish.state, quiet: wish.quiet, film: false });
    if (wish.time === null) return;
    latencies.push(performance.now() - wish.time);
    if (latencies.length > MOST_LATENCIES) latencies.shift();
  }

  /** Draw a frame that the server made; a film's frames come this way too, and take from the last frame what they lack. */
  function present(frame) {
    drawn = { ...drawn, ...frame };
    if (!drawn.film) answered = drawn;
    emit("frame", drawn);
  }

  /** Draw the committed state again, after frames that belong to no state; `asks` for it too, if nothing else is wished. */
  function restore({ asks }) {
    if (drawn === null || !drawn.film) return;
    if (key(answered?.state ?? null) === key(history.present())) present(answered);
    // The judges answer with the frame, and what was kept may be of another state.
    if (asks) show(history.present(), { quiet: true });
  }

  /** A drag was let go off the fiber: return to its last state that was drawn on the fiber. */
  function stepBack() {
    const here = history.present();
    const same = drawn !== null && drawn.on_fiber && sameBase(drawn.state, here);
    history.replace(same ? drawn.state : history.previous());
    blocked = null;
    emit("state", history.present());
    show(history.present(), { quiet: true });
  }

  function commit(state, { manner = "jump", label = null, time = null, silent = false } = {}) {
    if (state.moves.length > limits.moves) {
      emit("trouble", `A state holds at most ${limits.moves} moves: keep this image, or undo some.`);
      show(history.present());
      return;
    }
    history.commit(state, label);
    emit("state", state);
    if (silent) newest = state;
    else if (blocked !== null && key(blocked) === key(state)) stepBack();
    else if (key(newest) !== key(state) || unasked(state)) show(state, { manner, time });
  }

  // A preview of the same state may have been asked already; then its answer will do. A frame of a film has no verdict.
  function unasked(state) {
    const asked = waiting ?? inFlight;
    if (asked !== null) return key(asked.state) !== key(state);
    return drawn === null || drawn.film || key(drawn.state) !== key(state);
  }

  function jump(state) {
    emit("state", state);
    show(state);
  }

  return {
    on,
    latencies,
    commit,
    present,
    restore,
    preview: show,
    undo: () => history.canUndo() && jump(history.undo()),
    redo: () => history.canRedo() && jump(history.redo()),
    canUndo: history.canUndo,
    canRedo: history.canRedo,
    committed: history.present,
    state: () => newest,
    frame: () => drawn,
    shown: () => drawn?.state ?? null,
    /** Show the present state again after a connection was lost. */
    resume() {
      inFlight = null;
      waiting = null;
      show(history.present());
    },
    trouble: (sentence) => emit("trouble", sentence),
  };
}

function sameBase(one, other) {
  const base = openDrag(other) === null ? other : beforeLast(other);
  return (
    key({ ...one, straight: false }) === key(base) || (openDrag(one) !== null && key(beforeLast(one)) === key(base))
  );
}
