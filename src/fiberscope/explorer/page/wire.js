// Reads one binary message: a JSON header and arrays, which are views on the message and never copies.
const KINDS = { f32: Float32Array, u8: Uint8Array };
const text = new TextDecoder();

/** The header and the arrays of a message; each array also knows its `shape`. */
export function decode(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(text.decode(new Uint8Array(buffer, 4, length)));
  const arrays = {};
  for (const [name, { dtype, shape, offset }] of Object.entries(header.arrays ?? {})) {
    const size = shape.reduce((product, side) => product * side, 1);
    arrays[name] = new KINDS[dtype](buffer, 4 + length + offset, size);
    arrays[name].shape = shape;
  }
  return { header, arrays };
}

/** Row `index` of an array whose first axis counts rows, again without a copy. */
export function row(array, index) {
  const size = array.length / array.shape[0];
  return array.subarray(index * size, (index + 1) * size);
}

export function toBase64(bytes) {
  let characters = "";
  for (let start = 0; start < bytes.length; start += 8192) {
    characters += String.fromCharCode(...bytes.subarray(start, start + 8192));
  }
  return btoa(characters);
}

export function fromBase64(characters) {
  return Uint8Array.from(atob(characters), (character) => character.charCodeAt(0));
}
