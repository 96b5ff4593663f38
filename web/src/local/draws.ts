/**
 * New latents: from the mixture, the latent flow or the prior. The same seed draws the same in every page,
 * though not what Python draws.
 */
import type { Payload } from "./payload.ts";
import { brought, type Mixer } from "./paths.ts";

/** Uniform numbers in [0, 1), the same ones for the same seed. */
export function numbers(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function normals(count: number, next: () => number): Float32Array {
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  );
}

/** n latents (n, d) from a source. */
export async function draw(
  of: Payload,
  mixer: Mixer,
  source: string,
  n: number,
  next: () => number,
): Promise<Float32Array> {
  const d = of.z_low.data.length;
  const noise = normals(n * d, next);
  const { mixture_weights: weights, mixture_means: means, mixture_cholesky: factors, prior } = of;
  if (source === "flow") return brought(await mixer.fromNoise(noise), d, prior.support);
  if (source === "mixture" && weights && means && factors) {
    const all = weights.data.reduce((a, b) => a + b, 0);
    const out = new Float32Array(n * d);
    for (let i = 0; i < n; i++) {
      let [left, which] = [next() * all, 0];
      while (which + 1 < weights.data.length && left >= (weights.data[which] as number))
        left -= weights.data[which++] as number;
      for (let r = 0; r < d; r++) {
        let value = means.data[which * d + r] as number;
        for (let c = 0; c <= r; c++)
          value += (factors.data[(which * d + r) * d + c] as number) * (noise[i * d + c] as number);
        out[i * d + r] = value;
      }
    }
    return brought(out, d, prior.support);
  }
  if (prior.name === "uniform") return noise.map(() => 2 * next() - 1);
  return brought(noise, d, prior.name);
}
