/** How far latents and inputs can be trusted: ops/support.py in the browser. */
import { beyond, nearest } from "./near.ts";
import type { Payload } from "./payload.ts";

const LEVEL = 0.05;

export class Trust {
  private readonly points: Float64Array; // (m, a)
  private readonly a: number;

  private constructor(
    private readonly of: Payload &
      Required<Pick<Payload, "support" | "mean" | "axes" | "member" | "rings" | "calibration">>,
    z: Float32Array,
    private readonly d: number,
  ) {
    this.a = of.axes.data.length / d;
    this.points = new Float64Array(of.member.data.length * this.a);
    of.member.data.forEach((row, i) => this.points.set(this.along(z, row * d), i * this.a));
  }

  /** Null where too few items were held out to calibrate it. */
  static of(payload: Payload, z: Float32Array, d: number): Trust | null {
    const { support, mean, axes, member, rings, calibration } = payload;
    return support && mean && axes && member && rings && calibration
      ? new Trust({ ...payload, support, mean, axes, member, rings, calibration }, z, d)
      : null;
  }

  private along(z: ArrayLike<number>, at: number): Float64Array {
    const [out, { mean, axes }] = [new Float64Array(this.a), this.of];
    for (let c = 0; c < this.d; c++) {
      const gap = (z[at + c] as number) - (mean.data[c] as number);
      for (let j = 0; j < this.a; j++) out[j]! += gap * (axes.data[c * this.a + j] as number);
    }
    return out;
  }

  /** Support of latents (n, d). */
  support(z: Float32Array): Float32Array {
    return Float32Array.from({ length: z.length / this.d }, (_, i) =>
      beyond(this.of.calibration.data, this.score(z, i * this.d)),
    );
  }

  /**
   * Distance to the nearest latents, also in units of the spacing there; an item is scored without itself.
   */
  private score(z: Float32Array, at: number): number {
    const { itself, k } = this.of.support;
    const { far, rows } = nearest(
      this.points,
      this.a,
      this.points.length / this.a,
      this.along(z, at),
      0,
      k + 1,
    );
    const own = (far[0] as number) <= itself;
    let [near, spacing] = [0, 0];
    for (let j = own ? 1 : 0; j < (own ? k + 1 : k); j++) {
      const row = 3 * (rows[j] as number);
      const [mean, last, next] = [0, 1, 2].map((part) => this.of.rings.data[row + part] as number) as [
        number,
        number,
        number,
      ];
      const distance = far[j] as number;
      near += distance / k;
      // nor does it count for its neighbours
      spacing += (own && distance <= last * (1 + 1e-6) ? (mean * k + next - distance) / k : mean) / k;
    }
    return near / Math.sqrt(Math.max(spacing, itself));
  }

  /** The share of held-out items that are restored as badly; null where that is not known. */
  worse(error: number): number | null {
    return this.of.errors ? beyond(this.of.errors.data, error) : null;
  }

  /** Whether an input is of the kind that the space was made of; null where that cannot be said. */
  belongs(support: number, error: number): boolean | null {
    const worse = this.worse(error);
    if (worse === null || !this.of.both) return null;
    const together = beyond(this.of.both.data, -(Math.log(support) + Math.log(worse)));
    return support > LEVEL && worse > LEVEL && together > 2 * LEVEL;
  }
}
