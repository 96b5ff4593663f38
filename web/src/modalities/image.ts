/** Pictures: grey, colour, or colour with opacity, 8 bits a channel. */
import { pngs, sized, surface } from "./painted.ts";
import type { Held, Items, Opened, View } from "./view.ts";

/** As `Image.config()` in Python has it. */
interface Config {
  height: number;
  width: number;
  channels: number;
  fit: "pad" | "crop" | "stretch";
}
const config = (held: Held): Config => held.modality.config as unknown as Config;

/** One item as rgba. */
function spread(items: Items, index: number): ImageData {
  const [height = 1, width = 1, channels = 1] = items.shape.slice(-3);
  const from = items.data.subarray(
    index * height * width * channels,
    (index + 1) * height * width * channels,
  );
  const out = new Uint8ClampedArray(height * width * 4);
  for (let i = 0, at = 0; i < out.length; i += 4, at += channels) {
    out[i] = from[at] as number;
    out[i + 1] = from[channels > 2 ? at + 1 : at] as number;
    out[i + 2] = from[channels > 2 ? at + 2 : at] as number;
    out[i + 3] = channels === 4 ? (from[at + 3] as number) : channels === 2 ? (from[at + 1] as number) : 255;
  }
  return new ImageData(out, width, height);
}

/** Decoded rows (n, c, h, w) in [0, 1] as bytes (n, h, w, c). */
function items(y: Float32Array, [channels = 1, height = 1, width = 1]: readonly number[]): Items {
  const size = channels * height * width;
  const n = y.length / size;
  const data = new Uint8Array(y.length);
  for (let i = 0; i < n; i++)
    for (let c = 0; c < channels; c++)
      for (let p = 0; p < height * width; p++)
        data[i * size + p * channels + c] = Math.round(
          Math.min(Math.max(y[i * size + c * height * width + p] as number, 0), 1) * 255,
        );
  return { data, shape: [n, height, width, channels] };
}

/** Bytes (n, h, w, c) as an encoder's input (n, c, h, w). */
function tensor(of: Items): Float32Array {
  const [height = 1, width = 1, channels = 1] = of.shape.slice(-3);
  const pixels = height * width;
  return Float32Array.from({ length: of.data.length }, (_, at) => {
    const [i, c, p] = [Math.floor(at / (channels * pixels)), Math.floor(at / pixels) % channels, at % pixels];
    return (of.data[(i * pixels + p) * channels + c] as number) / 255;
  });
}

/**
 * A file at the size and in the channels of the space. Browsers shrink a little differently than the library
 * does.
 */
async function read(file: Blob, { height, width, channels, fit }: Config): Promise<Opened> {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) throw new Error("This file is no picture that the browser can read.");
  const remarks: string[] = [];
  const { canvas, pen } = surface(width, height);
  const [w, h] = [bitmap.width, bitmap.height];
  const scale = (fit === "crop" ? Math.max : Math.min)(width / w, height / h);
  const [dw, dh] =
    fit === "stretch"
      ? [width, height]
      : [Math.max(1, Math.round(w * scale)), Math.max(1, Math.round(h * scale))];
  if (channels < 4) {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, width, height);
  }
  if (fit === "pad" && (dw < width || dh < height)) {
    pen.drawImage(bitmap, 0, 0, 1, 1, 0, 0, width, height); // the colour of its corner
    remarks.push(`padded to ${height} x ${width}`);
  } else if (w !== width || h !== height) remarks.push(`resized to ${height} x ${width}`);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(shrunk(bitmap, dw, dh), (width - dw) / 2, (height - dh) / 2, dw, dh);
  bitmap.close();
  const rgba = pen.getImageData(0, 0, canvas.width, canvas.height).data;
  const data = new Uint8Array(channels * height * width);
  for (let p = 0; p < height * width; p++) {
    const [r, g, b, a] = [0, 1, 2, 3].map((c) => rgba[4 * p + c] as number) as [
      number,
      number,
      number,
      number,
    ];
    if (channels < 3) data[p * channels] = Math.round(0.299 * r + 0.587 * g + 0.114 * b);
    else data.set([r, g, b].slice(0, 3), p * channels);
    if (channels === 4) data[4 * p + 3] = a;
  }
  return { item: { data, shape: [1, height, width, channels] }, remarks };
}

/** Halved until it is at most twice as large as wanted, so that no pixel is skipped. */
function shrunk(from: ImageBitmap, width: number, height: number): CanvasImageSource {
  let [now, w, h]: [CanvasImageSource, number, number] = [from, from.width, from.height];
  while (w >= 2 * width && h >= 2 * height) {
    const { canvas, pen } = surface(Math.ceil(w / 2), Math.ceil(h / 2));
    pen.imageSmoothingQuality = "high";
    pen.drawImage(now, 0, 0, w, h, 0, 0, canvas.width, canvas.height);
    [now, w, h] = [canvas, canvas.width, canvas.height];
  }
  return now;
}

export const image: View = {
  paint(items, index, onto) {
    const picture = spread(items, index);
    sized(onto, picture.width, picture.height).putImageData(picture, 0, 0);
  },
  rgba(items, index, width, height) {
    const picture = spread(items, index);
    if (picture.width === width && picture.height === height) return picture.data;
    const from = surface(picture.width, picture.height);
    from.pen.putImageData(picture, 0, 0);
    const { pen } = surface(width, height);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(from.canvas, 0, 0, width, height);
    return pen.getImageData(0, 0, width, height).data;
  },
  caption: () => "",
  items: (y, held) => items(y, held.soft_shape),
  tensor: (items) => tensor(items),
  open: (file, held) => read(file, config(held)),
  files: (items, about) => pngs(image, items, about),
};
