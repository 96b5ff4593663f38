/** Pictures, the one modality that pages know so far: what decoders give as bytes, as files, and files as what encoders take. */
import { GIFEncoder, applyPalette, quantize } from "gifenc";
import { spread } from "../image.ts";
import type { Grid } from "../wire.ts";
import type { Payload } from "./payload.ts";

type Shape = readonly [channels: number, height: number, width: number];
type Items = Grid<Uint8Array>;

/** Decoded rows (n, c, h, w) in [0, 1] as bytes (n, h, w, c). */
export function items(x: Float32Array, [channels, height, width]: Shape): Items {
  const size = channels * height * width;
  const n = x.length / size;
  const data = new Uint8Array(x.length);
  for (let i = 0; i < n; i++)
    for (let c = 0; c < channels; c++)
      for (let p = 0; p < height * width; p++) data[i * size + p * channels + c] = Math.round(Math.min(Math.max(x[i * size + c * height * width + p] as number, 0), 1) * 255);
  return { data, shape: [n, height, width, channels] };
}

/** Bytes (h, w, c) as an encoder's input (1, c, h, w). */
export function tensor(of: Items): Float32Array {
  const [height = 1, width = 1, channels = 1] = of.shape.slice(-3);
  return Float32Array.from({ length: of.data.length }, (_, at) => {
    const [c, p] = [Math.floor(at / (height * width)), at % (height * width)];
    return (of.data[p * channels + c] as number) / 255;
  });
}

export function surface(width: number, height: number): { canvas: HTMLCanvasElement; pen: CanvasRenderingContext2D } {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  return { canvas, pen: canvas.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D };
}

const blob = (canvas: HTMLCanvasElement): Promise<Blob> => new Promise((give, fail) => canvas.toBlob((found) => (found ? give(found) : fail(new Error("the picture cannot be written"))), "image/png"));

/** One item as a PNG of its own size. */
export function png(of: Items, index = 0): Promise<Blob> {
  const picture = spread(of, index);
  const { canvas, pen } = surface(picture.width, picture.height);
  pen.putImageData(picture, 0, 0);
  return blob(canvas);
}

/** One tile of a sheet as a PNG. */
export async function cut(sheet: Blob, at: number, across: number, [width, height]: readonly [number, number]): Promise<Blob> {
  const bitmap = await createImageBitmap(sheet, (at % across) * width, Math.floor(at / across) * height, width, height);
  const { canvas, pen } = surface(width, height);
  pen.drawImage(bitmap, 0, 0);
  bitmap.close();
  return blob(canvas);
}

export const PREVIEW = 320; // pixels of a film's longer side, at most
const [ROW, TILE] = [12, 128]; // frames in a row of a sheet, and their size

export const enlarged = (side: number, most: number): number => Math.max(1, Math.floor(most / side));

/** Items one after the other on one canvas, enlarged by a whole factor to at most so many pixels. */
export function frames(of: Items, most: number): { width: number; height: number; at(index: number): HTMLCanvasElement } {
  const [height = 1, width = 1] = of.shape.slice(1, 3);
  const by = enlarged(Math.max(height, width), most);
  const small = surface(width, height);
  const large = surface(width * by, height * by);
  large.pen.imageSmoothingEnabled = false;
  return {
    width: width * by,
    height: height * by,
    at(index) {
      small.pen.putImageData(spread(of, index), 0, 0);
      large.pen.fillStyle = "#fff";
      large.pen.fillRect(0, 0, width * by, height * by);
      large.pen.drawImage(small.canvas, 0, 0, width * by, height * by);
      return large.canvas;
    },
  };
}

/** A film; the page goes on breathing between frames. */
export async function gif(of: Items, fps: number): Promise<Blob> {
  const [film, size] = [GIFEncoder(), frames(of, PREVIEW)];
  for (let i = 0; i < (of.shape[0] ?? 0); i++) {
    const pixels = (size.at(i).getContext("2d") as CanvasRenderingContext2D).getImageData(0, 0, size.width, size.height).data;
    const palette = quantize(pixels, 256);
    film.writeFrame(applyPalette(pixels, palette), size.width, size.height, { palette, delay: Math.round(1000 / fps) });
    if (i % 4 === 3) await new Promise((done) => setTimeout(done));
  }
  film.finish();
  return new Blob([film.bytes() as Uint8Array<ArrayBuffer>], { type: "image/gif" });
}

/** All frames in rows. */
export function sheet(of: Items): Promise<Blob> {
  const size = frames(of, TILE);
  const n = of.shape[0] ?? 0;
  const across = Math.min(n, ROW);
  const { canvas, pen } = surface(across * (size.width + 2) + 2, Math.ceil(n / across) * (size.height + 2) + 2);
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < n; i++) pen.drawImage(size.at(i), 2 + (i % across) * (size.width + 2), 2 + Math.floor(i / across) * (size.height + 2));
  return blob(canvas);
}

/** A file at the size and in the channels of the space. Browsers shrink a little differently than the library does. */
export async function read(file: Blob, [channels, height, width]: Shape, fit: Payload["fit"]): Promise<{ item: Items; remarks: string[] }> {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) throw new Error("This file is no picture that the browser can read.");
  const remarks: string[] = [];
  const { canvas, pen } = surface(width, height);
  const [w, h] = [bitmap.width, bitmap.height];
  const scale = (fit === "crop" ? Math.max : Math.min)(width / w, height / h);
  const [dw, dh] = fit === "stretch" ? [width, height] : [Math.max(1, Math.round(w * scale)), Math.max(1, Math.round(h * scale))];
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
    const [r, g, b, a] = [0, 1, 2, 3].map((c) => rgba[4 * p + c] as number) as [number, number, number, number];
    if (channels < 3) data[p * channels] = Math.round(0.299 * r + 0.587 * g + 0.114 * b);
    else data.set([r, g, b].slice(0, 3), p * channels);
    if (channels === 4) data[4 * p + 3] = a;
  }
  return { item: { data, shape: [height, width, channels] }, remarks };
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
