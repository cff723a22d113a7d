// Puts arrays on a canvas that has one pixel a pixel; the browser enlarges it without smoothing.
import { DIVERGING, GREYS, divergingPlace, packed } from "./colours.js";

/** `shape` is channels, height, width; one or three channels. The image data are made once and used for every frame. */
export function createRaster(canvas, shape) {
  const [channels, height, width] = shape;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const data = context.createImageData(width, height);
  const pixels = new Uint32Array(data.data.buffer);
  const size = width * height;
  const byte = (value) => Math.min(Math.max(Math.round(value), 0), 255);

  function paint(values, factor) {
    if (channels === 3) {
      for (let i = 0; i < size; i += 1) {
        pixels[i] = packed(
          byte(values[i] * factor),
          byte(values[i + size] * factor),
          byte(values[i + 2 * size] * factor),
        );
      }
    } else {
      for (let i = 0; i < size; i += 1) pixels[i] = GREYS[byte(values[i] * factor)];
    }
    context.putImageData(data, 0, 0);
  }

  function paintDiverging(value, scale) {
    for (let i = 0; i < size; i += 1) {
      let sum = 0;
      for (let channel = 0; channel < channels; channel += 1) sum += value(i + channel * size);
      pixels[i] = DIVERGING[divergingPlace(sum / channels / scale)];
    }
    context.putImageData(data, 0, 0);
  }

  return {
    /** Values 0 .. 1. */
    image: (values) => paint(values, 255),
    /** Values 0 .. 255. */
    bytes: (values) => paint(values, 1),
    /** Signed values, coloured up to their largest size. */
    signed(values) {
      const scale = largest(values.length, (i) => values[i]) || 1;
      paintDiverging((i) => values[i], scale);
    },
    /** One image minus another, coloured up to a round number, which is returned. */
    difference(image, start) {
      const scale = roundScale(largest(image.length, (i) => image[i] - start[i]));
      paintDiverging((i) => image[i] - start[i], scale);
      return scale;
    },
  };
}

function largest(count, value) {
  let most = 0;
  for (let i = 0; i < count; i += 1) most = Math.max(most, Math.abs(value(i)));
  return most;
}

// Few scales, so that colours do not flicker while a person drags.
function roundScale(size) {
  return [0.1, 0.25, 0.5, 1].find((scale) => size <= scale) ?? size;
}
