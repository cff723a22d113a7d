// The colours of values: blue below zero, orange above, equally light at equal distance, as in the report.
const ZERO = "#f7f7f5";
const NEGATIVE_STOPS = ["#b5d5f8", "#7cb2ee", "#448fdd", "#236cb5"];
const POSITIVE_STOPS = ["#f3c9ae", "#e49e6e", "#ce742c", "#a75400"];
const HALF = 255;

function channels(hex) {
  return [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
}

function opaque(red, green, blue) {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

function between(stops, share) {
  const place = Math.min(share * (stops.length - 1), stops.length - 1 - 1e-9);
  const [low, high] = [stops[Math.floor(place)], stops[Math.floor(place) + 1]];
  const weight = place - Math.floor(place);
  return opaque(...low.map((value, channel) => Math.round(value + weight * (high[channel] - value))));
}

function table(size, colour) {
  return Uint32Array.from({ length: size }, (_, place) => colour(place));
}

const below = [ZERO, ...NEGATIVE_STOPS].map(channels);
const above = [ZERO, ...POSITIVE_STOPS].map(channels);

/** Packed colours of -1 .. 1 at 2 * HALF + 1 steps, and of the greys 0 .. 255. */
export const DIVERGING = table(2 * HALF + 1, (place) => {
  const share = (place - HALF) / HALF;
  return share < 0 ? between(below, -share) : between(above, share);
});
export const GREYS = table(256, (value) => opaque(value, value, value));

/** The place in DIVERGING of a value between -1 and 1; outside it stays at the end. */
export function divergingPlace(value) {
  return Math.round(Math.min(Math.max(value, -1), 1) * HALF) + HALF;
}

export function packed(red, green, blue) {
  return opaque(red, green, blue);
}
