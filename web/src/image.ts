/** The view of one modality: how an item that came over the wire becomes a picture. Others join with a file each. */
import type { Grid } from "./wire.ts";

export interface ModalityView {
  /** Paints one item of an answer into a canvas of its own size. */
  paint(items: Grid<Uint8Array>, index: number, canvas: HTMLCanvasElement): void;
  /** The same as rgba bytes scaled into width x height, for a texture. */
  rgba(items: Grid<Uint8Array>, index: number, width: number, height: number): Uint8ClampedArray;
}

interface Sides {
  height: number;
  width: number;
  channels: number;
}

const sides = (items: Grid<Uint8Array>): Sides => {
  const [height = 1, width = 1, channels = 1] = items.shape.slice(-3);
  return { height, width, channels };
};

/** Grey, colour, or colour with opacity, as rgba. */
export function spread(items: Grid<Uint8Array>, index: number): ImageData {
  const { height, width, channels } = sides(items);
  const from = items.data.subarray(index * height * width * channels, (index + 1) * height * width * channels);
  const out = new Uint8ClampedArray(height * width * 4);
  for (let i = 0, at = 0; i < out.length; i += 4, at += channels) {
    out[i] = from[at] as number;
    out[i + 1] = from[channels > 2 ? at + 1 : at] as number;
    out[i + 2] = from[channels > 2 ? at + 2 : at] as number;
    out[i + 3] = channels === 4 ? (from[at + 3] as number) : channels === 2 ? (from[at + 1] as number) : 255;
  }
  return new ImageData(out, width, height);
}

function canvas(width: number, height: number): { surface: HTMLCanvasElement; pen: CanvasRenderingContext2D } {
  const surface = document.createElement("canvas");
  [surface.width, surface.height] = [width, height];
  return { surface, pen: surface.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D };
}

export const image: ModalityView = {
  paint(items, index, onto) {
    const picture = spread(items, index);
    if (onto.width !== picture.width) onto.width = picture.width;
    if (onto.height !== picture.height) onto.height = picture.height;
    onto.getContext("2d")?.putImageData(picture, 0, 0);
  },
  rgba(items, index, width, height) {
    const picture = spread(items, index);
    if (picture.width === width && picture.height === height) return picture.data;
    const { surface } = canvas(picture.width, picture.height);
    surface.getContext("2d")?.putImageData(picture, 0, 0);
    const { pen } = canvas(width, height);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(surface, 0, 0, width, height);
    return pen.getImageData(0, 0, width, height).data;
  },
};

/** Cuts tiles out of the sheets of thumbnails; sheets come when they are first wanted and the longest unused ones go. */
export class Sheets {
  private readonly sheets = new Map<number, ImageBitmap | null>();
  private readonly pen: CanvasRenderingContext2D;
  private readonly surface: HTMLCanvasElement;

  constructor(
    private readonly ask: (page: number) => Promise<Blob>,
    readonly width: number,
    readonly height: number,
    private readonly page: number,
    private readonly across: number,
    private readonly arrived: () => void,
    private readonly most = Math.max(6, Math.floor(2.5e8 / (width * height * page * 4))),
  ) {
    ({ surface: this.surface, pen: this.pen } = canvas(width, height));
  }

  /** Whether the sheet of a row is here; asks for it where it is not. */
  ready(row: number): boolean {
    const page = Math.floor(row / this.page);
    const sheet = this.sheets.get(page);
    if (sheet) {
      this.sheets.delete(page);
      this.sheets.set(page, sheet);
    } else if (sheet === undefined) {
      this.sheets.set(page, null);
      this.load(page).catch(() => setTimeout(() => this.sheets.delete(page), 2000));
    }
    return Boolean(sheet);
  }

  private async load(page: number): Promise<void> {
    const sheet = await createImageBitmap(await this.ask(page));
    this.sheets.set(page, sheet);
    for (const [old, bitmap] of this.sheets) {
      if (this.sheets.size <= this.most) break;
      bitmap?.close();
      this.sheets.delete(old);
    }
    this.arrived();
  }

  /** The thumbnail of a row whose sheet is ready, in the page's own canvas, until the next call. */
  cut(row: number): HTMLCanvasElement {
    const sheet = this.sheets.get(Math.floor(row / this.page)) as ImageBitmap;
    const at = row % this.page;
    const { width, height } = this;
    this.pen.clearRect(0, 0, width, height);
    this.pen.drawImage(sheet, (at % this.across) * width, Math.floor(at / this.across) * height, width, height, 0, 0, width, height);
    return this.surface;
  }

  rgba(row: number): Uint8ClampedArray {
    this.cut(row);
    return this.pen.getImageData(0, 0, this.width, this.height).data;
  }
}
