// What a picture is a function of: states are plain values, and every change makes a new one.
export function startAt(image, { space = "pixels", radius = 0 } = {}) {
  return { v: 1, image, space, radius, straight: false, moves: [] };
}

/** The state with one more move; only a drag can follow the straight line, so any other move ends that. */
export function append(state, move) {
  return { ...state, straight: false, moves: [...state.moves, move] };
}

export function lastMove(state) {
  return state.moves.at(-1) ?? null;
}

/** The state before its last move. */
export function beforeLast(state) {
  return { ...state, straight: false, moves: state.moves.slice(0, -1) };
}

/** The drag that sliders can still change, which is the last move, or null. */
export function openDrag(state) {
  const move = lastMove(state);
  return move !== null && move.kind === "drag" ? move : null;
}

/** The image that the last move goes to by morphing, or null. */
export function openMorph(state) {
  const move = lastMove(state);
  return move !== null && move.kind === "morph" ? move : null;
}

/** Flat indices of the pixels that are painted and not released again. */
export function frozenPixels(state) {
  const frozen = new Set();
  for (const move of state.moves) {
    if (move.kind === "paint") for (const pixel of move.pixels) frozen.add(pixel);
    if (move.kind === "release") for (const pixel of move.pixels) frozen.delete(pixel);
  }
  return frozen;
}

export function key(value) {
  return JSON.stringify(value);
}

/** Whether two states differ in their last move alone, as while one slider is moved. */
export function sameButLast(one, other) {
  return one.moves.length === other.moves.length && key(one.moves.slice(0, -1)) === key(other.moves.slice(0, -1));
}

/** Whether the images that a state names exist where there are other data: only those that it carries itself do. */
export function ownsItsImages(state) {
  const named = [state.image, ...state.moves.map((move) => move.to ?? null)];
  return named.every((image) => image === null || image.index === undefined);
}
