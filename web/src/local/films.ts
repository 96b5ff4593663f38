/** Paths as files: an animation, or all frames in rows. */
import { GIFEncoder, applyPalette, quantize } from "gifenc";
import { blob, surface, type frames } from "../modalities/painted.ts";

export type Frames = ReturnType<typeof frames>;

export const PREVIEW = 320; // pixels of a film's longer side, at most
export const TILE = 128; // of a frame in a sheet
const ROW = 12; // frames in a row of a sheet

/** One tile of a sheet as a PNG. */
export async function cut(
  sheet: Blob,
  at: number,
  across: number,
  [width, height]: readonly [number, number],
): Promise<Blob> {
  const bitmap = await createImageBitmap(
    sheet,
    (at % across) * width,
    Math.floor(at / across) * height,
    width,
    height,
  );
  const { canvas, pen } = surface(width, height);
  pen.drawImage(bitmap, 0, 0);
  bitmap.close();
  return blob(canvas);
}

/** A film; the page goes on breathing between frames. */
export async function gif(of: Frames, fps: number): Promise<Blob> {
  const film = GIFEncoder();
  for (let i = 0; i < of.n; i++) {
    const pixels = (of.at(i).getContext("2d") as CanvasRenderingContext2D).getImageData(
      0,
      0,
      of.width,
      of.height,
    ).data;
    const palette = quantize(pixels, 256);
    film.writeFrame(applyPalette(pixels, palette), of.width, of.height, {
      palette,
      delay: Math.round(1000 / fps),
    });
    if (i % 4 === 3) await new Promise((done) => setTimeout(done));
  }
  film.finish();
  return new Blob([film.bytes() as Uint8Array<ArrayBuffer>], { type: "image/gif" });
}

/** All frames in rows. */
export function sheet(of: Frames): Promise<Blob> {
  const across = Math.min(of.n, ROW);
  const { canvas, pen } = surface(
    across * (of.width + 2) + 2,
    Math.ceil(of.n / across) * (of.height + 2) + 2,
  );
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < of.n; i++)
    pen.drawImage(of.at(i), 2 + (i % across) * (of.width + 2), 2 + Math.floor(i / across) * (of.height + 2));
  return blob(canvas);
}
