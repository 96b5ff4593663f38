/** Thumbnails of real items, by the page. */
import { surface } from "./modalities/painted.ts";

/**
 * Cuts tiles out of the sheets of thumbnails; sheets come when they are first wanted and the longest unused
 * ones go.
 */
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
    ({ canvas: this.surface, pen: this.pen } = surface(width, height));
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
    this.sheets.delete(page);
    this.sheets.set(page, sheet);
    const here = [...this.sheets].filter(([, bitmap]) => bitmap); // what is still coming takes no room
    for (const [old, bitmap] of here.slice(0, Math.max(here.length - this.most, 0))) {
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
    this.pen.drawImage(
      sheet,
      (at % this.across) * width,
      Math.floor(at / this.across) * height,
      width,
      height,
      0,
      0,
      width,
      height,
    );
    return this.surface;
  }

  rgba(row: number): Uint8ClampedArray {
    this.cut(row);
    return this.pen.getImageData(0, 0, this.width, this.height).data;
  }
}
