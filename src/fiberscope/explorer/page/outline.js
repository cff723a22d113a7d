// Whether a value that came from outside has the outline of a state; ranges and sizes are the server's to check.
const MOVES = {
  drag: (move) => typeof move.basis === "string" && isWhole(move.seed) && isList(move.amounts, Number.isFinite) && to(move),
  morph: (move) => isImage(move.to) && Number.isFinite(move.share),
  paint: (move) =>
    isList(move.pixels, isWhole) && isList(move.values, isWhole) && move.values.length === move.pixels.length,
  release: (move) => isList(move.pixels, isWhole),
};

export function looksLikeState(value) {
  return (
    isObject(value) &&
    value.v === 1 &&
    isImage(value.image) &&
    ["pixels", "natural"].includes(value.space) &&
    Number.isFinite(value.radius) &&
    typeof value.straight === "boolean" &&
    isList(value.moves, isMove)
  );
}

function isMove(value) {
  return isObject(value) && Object.hasOwn(MOVES, value.kind) && MOVES[value.kind](value);
}

function to(move) {
  return (move.to ?? null) === null || isImage(move.to);
}

function isImage(value) {
  return isObject(value) && (isWhole(value.index) || (value.index === undefined && typeof value.pixels === "string"));
}

function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function isList(value, isEntry) {
  return Array.isArray(value) && value.every((entry) => isEntry(entry));
}

function isWhole(value) {
  return Number.isInteger(value) && value >= 0;
}
