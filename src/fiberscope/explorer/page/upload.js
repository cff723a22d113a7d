// Reads an image file in the browser and shrinks it to the model's shape.
import { button, check, field, make } from "./elements.js";
import { createRaster } from "./raster.js";
import { toBase64 } from "./wire.js";

/** `choose({reference, label, pixels})` gets the image. */
export function createUpload({ shape, choose, trouble }) {
  const [channels, height, width] = shape;
  const canvas = make("canvas", { class: "pad", role: "img", "aria-label": "The file as the model will see it" });
  const raster = createRaster(canvas, shape);
  const pixels = new Uint8Array(channels * height * width);
  const file = make("input", { type: "file", accept: "image/*", onchange: () => read(file.files[0]) });
  const invert = check("Invert (white on black)", { onchange: draw });
  const use = button("Use this image", { class: "primary", disabled: true, onclick: finish });
  const element = make(
    "div",
    { class: "own", ondragover: (event) => event.preventDefault(), ondrop: drop },
    field("Image file", file),
    make(
      "p",
      { class: "small" },
      `It is cropped to its middle and shrunk to ${width} × ${height} pixels in this browser; only these are sent to fiberscope.`,
    ),
    make("div", { class: "frame preview" }, canvas),
    invert.element,
    use,
  );
  canvas.style.aspectRatio = `${width} / ${height}`;
  let original = null;
  raster.bytes(pixels);

  function drop(event) {
    event.preventDefault();
    read(event.dataTransfer.files[0]);
  }

  async function read(chosen) {
    if (chosen === undefined) return;
    try {
      original = shrink(await createImageBitmap(chosen), shape);
      use.disabled = false;
      draw();
    } catch {
      trouble(`The browser cannot read ${chosen.name} as an image: choose a PNG, JPEG or WebP file.`);
    }
  }

  function draw() {
    if (original === null) return;
    for (let i = 0; i < pixels.length; i += 1) pixels[i] = invert.box.checked ? 255 - original[i] : original[i];
    raster.bytes(pixels);
  }

  function finish() {
    choose({ reference: { pixels: toBase64(pixels) }, label: null, pixels: pixels.slice() });
  }

  return { element };
}

/** The middle of a bitmap at the model's size, channel first; what is transparent is white. */
function shrink(bitmap, [channels, height, width]) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  const scale = Math.max(width / bitmap.width, height / bitmap.height);
  const [wide, high] = [scale * bitmap.width, scale * bitmap.height];
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, (width - wide) / 2, (height - high) / 2, wide, high);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  const pixels = new Uint8Array(channels * height * width);
  for (let i = 0; i < width * height; i += 1) {
    const [red, green, blue] = data.subarray(4 * i, 4 * i + 3);
    if (channels === 1) pixels[i] = Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
    else
      [red, green, blue].forEach((value, channel) => {
        pixels[i + channel * width * height] = value;
      });
  }
  return pixels;
}
