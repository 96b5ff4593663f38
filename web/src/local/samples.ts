/** New ones, drawn in a page. */
import type { Api, SampleRequest } from "../wire.ts";
import { refuse, type Core } from "./core.ts";
import { draw, numbers } from "./draws.ts";
import type { Speech } from "./speech.ts";

const ROUNDS = 50;

export const samples = (core: Core, speech: Speech) => ({
  async sample(
    _: unknown,
    { n = 24, source = "default", seed = 0, support, rows, cluster }: SampleRequest,
  ): Promise<Api["sample"]["answer"]> {
    if ((rows ?? null) !== null || (cluster ?? null) !== null)
      return refuse("To draw like some items needs the studio.");
    const from = source === "default" ? (core.of.space.sources[0] ?? "prior") : source;
    if (!core.of.space.sources.includes(from))
      return refuse(`A shared page draws from ${core.of.space.sources.join(", ")}, not from ${from}.`);
    const next = numbers(seed);
    const [kept, least] = [[] as number[], support ?? null];
    let drawn = 0;
    for (let round = 0; round < ROUNDS && kept.length < n * core.d; round++) {
      const z = await draw(core.of, core.mixer, from, n, next);
      const trusted = least === null || !core.trust ? null : core.support(z);
      for (let i = 0; i < n; i++)
        if (!trusted || (trusted[i] as number) >= (least as number))
          kept.push(...z.subarray(i * core.d, (i + 1) * core.d));
      drawn += n;
    }
    const found = kept.length / core.d;
    if (found < n)
      return refuse(
        `sample: only ${found} of ${drawn} draws pass, ${n} were wanted; ask for less support, or for fewer`,
      );
    const z = Float32Array.from(kept.slice(0, n * core.d));
    const words =
      least === null
        ? from
        : `${from} with support of ${least} or more (${Math.round((100 * found) / drawn)}% of the draws)`;
    const latents = Array.from({ length: n }, (_, i) => z.subarray(i * core.d, (i + 1) * core.d));
    const table = latents
      .map((row) => `[${Array.from(row, (x) => Number(x.toPrecision(6))).join(", ")}]`)
      .join(", ");
    return {
      ...(await core.look(z)),
      source: words,
      copy_as: { python: speech.copies.python(`space.decode(torch.tensor([${table}]))`), command: null },
    };
  },
});
