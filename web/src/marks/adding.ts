/**
 * Adds points up as `Points` has it done by the graphics, but by the processor: where graphics are drawn
 * without a card, that takes a quarter of the time. Of a picture with no more pixels than `PIXELS`, as all of
 * it goes to the graphics anew.
 */
export const PIXELS = 4e6;

export interface Heap {
  /**
   * Colour times coverage, and coverage, of width x height pixels; row by row from below, as WebGL has them.
   */
  sums: Float32Array;
  width: number;
  height: number;
}

/**
 * Where a place (x, y) of the map lies in the picture: (x - left) * across pixels from its left edge, (y -
 * bottom) * up from below.
 */
export interface View {
  left: number;
  bottom: number;
  across: number;
  up: number;
}

/**
 * Adds the points from `from` to before `to`, each a disc with soft edges.
 * `places` holds x and y of each, `codes` the code of its colour (255: hidden), `palette` four bytes a code.
 */
export function add(
  { sums, width, height }: Heap,
  view: View,
  places: Float32Array,
  codes: Uint8Array,
  palette: Uint8Array,
  from: number,
  to: number,
  radius: number,
): void {
  const reach = radius + 0.5;
  const { left, bottom, across, up } = view;
  for (let i = from; i < to; i++) {
    const code = codes[i] as number;
    const x = ((places[2 * i] as number) - left) * across - 0.5; // from the middle of the first pixel
    const y = ((places[2 * i + 1] as number) - bottom) * up - 0.5;
    if (code === 255 || x < -reach || y < -reach || x > width + reach || y > height + reach) continue;
    const [first, last] = [Math.max(0, Math.ceil(x - reach)), Math.min(width - 1, Math.floor(x + reach))];
    const highest = Math.min(height - 1, Math.floor(y + reach));
    const [r, g, b] = [
      (palette[4 * code] as number) / 255,
      (palette[4 * code + 1] as number) / 255,
      (palette[4 * code + 2] as number) / 255,
    ];
    for (let v = Math.max(0, Math.ceil(y - reach)); v <= highest; v++) {
      const above = (v - y) * (v - y);
      let at = 4 * (v * width + first);
      for (let u = first; u <= last; u++, at += 4) {
        const far = (u - x) * (u - x) + above;
        if (far >= reach * reach) continue;
        const covered = Math.min(reach - Math.sqrt(far), 1);
        sums[at] = (sums[at] as number) + r * covered;
        sums[at + 1] = (sums[at + 1] as number) + g * covered;
        sums[at + 2] = (sums[at + 2] as number) + b * covered;
        sums[at + 3] = (sums[at + 3] as number) + covered;
      }
    }
  }
}
