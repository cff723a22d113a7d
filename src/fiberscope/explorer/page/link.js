// A state as a short text for links: its JSON, deflated, in the base64 of URLs; and back.
import { looksLikeState } from "./outline.js";
import { fromBase64, toBase64 } from "./wire.js";

const LARGEST_TEXT = 2 ** 22;

export async function encodeState(state) {
  const deflated = new Blob([JSON.stringify(state)]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(deflated).arrayBuffer());
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The state in a link's text, or null where there is none. */
export async function decodeState(text) {
  try {
    const bytes = fromBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
    const state = JSON.parse(await inflate(bytes));
    return looksLikeState(state) ? state : null;
  } catch {
    return null;
  }
}

async function inflate(bytes) {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const text = new TextDecoder();
  let whole = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return whole + text.decode();
    whole += text.decode(value, { stream: true });
    // A link can come from anyone, and a few bytes can inflate to gigabytes.
    if (whole.length > LARGEST_TEXT) throw new RangeError("too long");
  }
}
