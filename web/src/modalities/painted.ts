/** Canvases: what views paint on, and what is made of painted items. */
import type { Modality } from "../wire.ts";
import { sizes, type Items, type View } from "./view.ts";

export interface Surface {
  canvas: HTMLCanvasElement;
  pen: CanvasRenderingContext2D;
}
export function surface(width: number, height: number): Surface {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  return { canvas, pen: canvas.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D };
}

/** A canvas at a size; what was on it goes. */
export function sized(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  [canvas.width, canvas.height] = [width, height];
  return canvas.getContext("2d") as CanvasRenderingContext2D;
}

export const blob = (canvas: HTMLCanvasElement): Promise<Blob> =>
  new Promise((give, fail) =>
    canvas.toBlob(
      (found) => (found ? give(found) : fail(new Error("This browser could not write a PNG."))),
      "image/png",
    ),
  );

export async function png(canvas: HTMLCanvasElement): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await blob(canvas)).arrayBuffer());
}

/** One item on a canvas of its own. */
export function painted(
  view: View,
  items: Items,
  index: number,
  about: Modality,
  side = LEAST,
): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  view.paint(items, index, canvas, about, { side });
  return canvas;
}

export const enlarged = (side: number, most: number): number => Math.max(1, Math.floor(most / side));

/**
 * The items of an answer one after the other on one canvas, small ones enlarged by a whole factor to at most
 * so many pixels.
 */
export function frames(
  view: View,
  items: Items,
  about: Modality,
  most: number,
): { n: number; width: number; height: number; at(index: number): HTMLCanvasElement } {
  const small = painted(view, items, 0, about, most);
  const by = enlarged(Math.max(small.width, small.height), most);
  const large = surface(small.width * by, small.height * by);
  const { width, height } = large.canvas;
  large.pen.imageSmoothingEnabled = false;
  return {
    n: sizes(items).n,
    width,
    height,
    at(index) {
      view.paint(items, index, small, about, { side: most });
      large.pen.fillStyle = "#fff";
      large.pen.fillRect(0, 0, width, height);
      large.pen.drawImage(small, 0, 0, width, height);
      return large.canvas;
    },
  };
}

const [LEAST, GAP] = [128, 8]; // pixels of an item's longer side on a sheet, and between two

/** All of some items, large enough to be seen, on one sheet; pixels stay what they are. */
export function sheet(view: View, items: readonly Items[], about: Modality): HTMLCanvasElement {
  const each = items.map((item) => painted(view, item, 0, about));
  const across = Math.ceil(Math.sqrt(each.length));
  const [width, height] = [
    Math.max(...each.map((one) => one.width)),
    Math.max(...each.map((one) => one.height)),
  ];
  const scale = Math.ceil(LEAST / Math.max(width, height));
  const [right, down] = [width * scale + GAP, height * scale + GAP];
  const { canvas, pen } = surface(across * right + GAP, Math.ceil(each.length / across) * down + GAP);
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingEnabled = false;
  each.forEach((from, i) =>
    pen.drawImage(
      from,
      GAP + (i % across) * right,
      GAP + Math.floor(i / across) * down,
      from.width * scale,
      from.height * scale,
    ),
  );
  return canvas;
}

/** A PNG of each item. */
export async function pngs(
  view: View,
  items: readonly Items[],
  about: Modality,
): Promise<{ files: Map<string, Uint8Array<ArrayBuffer>>; names: string[] }> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const names = items.map((_, i) => `sample-${i + 1}.png`);
  for (const [i, item] of items.entries())
    files.set(names[i] as string, await png(painted(view, item, 0, about, 4 * LEAST)));
  return { files, names };
}
