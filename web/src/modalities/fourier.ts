/**
 * Transforms of powers of two, of two real rows at once. Forwards what is in order comes out of it, backwards
 * what is out of it comes into order: nothing is ever moved.
 */
export class Fourier {
  /** Where each frequency lies, once transformed. */
  readonly places: Uint32Array;
  private readonly cos: Float64Array;
  private readonly sin: Float64Array;

  constructor(readonly size: number) {
    const turn = (i: number): number => (2 * Math.PI * i) / size;
    this.cos = Float64Array.from({ length: size }, (_, i) => Math.cos(turn(i)));
    this.sin = Float64Array.from({ length: size }, (_, i) => Math.sin(turn(i)));
    this.places = Uint32Array.from({ length: size }, (_, k) => place(k, size));
  }

  /** In place: sum of x_i e^(-2 pi i k / size) at `places[k]`. */
  forward(re: Float64Array, im: Float64Array): void {
    let n = this.size;
    for (; n > 2; n >>= 2) this.apart(re, im, n);
    if (n === 2) pairs(re, im);
  }

  /** In place, from `places[k]`: sum of x_k e^(2 pi i k / size), which is `size` times the inverse. */
  back(re: Float64Array, im: Float64Array): void {
    let n = this.size;
    while (n > 2) n >>= 2;
    if (n === 2) pairs(re, im);
    for (n *= 4; n <= this.size; n *= 4) this.together(re, im, n);
  }

  /** Blocks of n into four of n / 4: of every fourth frequency each. */
  private apart(re: Float64Array, im: Float64Array, n: number): void {
    const { cos, sin, size } = this;
    const [q, step] = [n >> 2, size / n];
    for (let j = 0; j < q; j++) {
      const [a, b, c] = [j * step, 2 * j * step, 3 * j * step];
      const [c1, s1, c2] = [cos[a] as number, sin[a] as number, cos[b] as number];
      const [s2, c3, s3] = [sin[b] as number, cos[c] as number, sin[c] as number];
      for (let i = j; i < size; i += n) {
        const i1 = i + q;
        const i2 = i1 + q;
        const i3 = i2 + q;
        const x0 = re[i] as number;
        const y0 = im[i] as number;
        const x1 = re[i1] as number;
        const y1 = im[i1] as number;
        const x2 = re[i2] as number;
        const y2 = im[i2] as number;
        const x3 = re[i3] as number;
        const y3 = im[i3] as number;
        const px = x0 + x2;
        const py = y0 + y2;
        const mx = x0 - x2;
        const my = y0 - y2;
        const sx = x1 + x3;
        const sy = y1 + y3;
        const dx = x1 - x3;
        const dy = y1 - y3;
        re[i] = px + sx;
        im[i] = py + sy;
        const ux = mx + dy;
        const uy = my - dx;
        re[i1] = ux * c1 + uy * s1;
        im[i1] = uy * c1 - ux * s1;
        const vx = px - sx;
        const vy = py - sy;
        re[i2] = vx * c2 + vy * s2;
        im[i2] = vy * c2 - vx * s2;
        const wx = mx - dy;
        const wy = my + dx;
        re[i3] = wx * c3 + wy * s3;
        im[i3] = wy * c3 - wx * s3;
      }
    }
  }

  /** Four blocks of n / 4 into one of n. */
  private together(re: Float64Array, im: Float64Array, n: number): void {
    const { cos, sin, size } = this;
    const [q, step] = [n >> 2, size / n];
    for (let j = 0; j < q; j++) {
      const [a, b, c] = [j * step, 2 * j * step, 3 * j * step];
      const [c1, s1, c2] = [cos[a] as number, sin[a] as number, cos[b] as number];
      const [s2, c3, s3] = [sin[b] as number, cos[c] as number, sin[c] as number];
      for (let i = j; i < size; i += n) {
        const i1 = i + q;
        const i2 = i1 + q;
        const i3 = i2 + q;
        const x0 = re[i] as number;
        const y0 = im[i] as number;
        let tx = re[i1] as number;
        let ty = im[i1] as number;
        const x1 = tx * c1 - ty * s1;
        const y1 = ty * c1 + tx * s1;
        tx = re[i2] as number;
        ty = im[i2] as number;
        const x2 = tx * c2 - ty * s2;
        const y2 = ty * c2 + tx * s2;
        tx = re[i3] as number;
        ty = im[i3] as number;
        const x3 = tx * c3 - ty * s3;
        const y3 = ty * c3 + tx * s3;
        const px = x0 + x2;
        const py = y0 + y2;
        const mx = x0 - x2;
        const my = y0 - y2;
        const sx = x1 + x3;
        const sy = y1 + y3;
        const dx = x1 - x3;
        const dy = y1 - y3;
        re[i] = px + sx;
        im[i] = py + sy;
        re[i1] = mx - dy;
        im[i1] = my + dx;
        re[i2] = px - sx;
        im[i2] = py - sy;
        re[i3] = mx + dy;
        im[i3] = my - dx;
      }
    }
  }
}

const place = (k: number, n: number): number => (n > 2 ? (k & 3) * (n >> 2) + place(k >> 2, n >> 2) : k);

function pairs(re: Float64Array, im: Float64Array): void {
  for (let i = 0; i < re.length; i += 2) {
    const [x, y] = [re[i + 1] as number, im[i + 1] as number];
    re[i + 1] = (re[i] as number) - x;
    im[i + 1] = (im[i] as number) - y;
    re[i] = (re[i] as number) + x;
    im[i] = (im[i] as number) + y;
  }
}
