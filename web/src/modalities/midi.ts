/** Music as a Standard MIDI file, a track for each voice, as modalities/scores.py writes it. */
export interface Played {
  /** In ticks. */
  first: number;
  last: number;
  /** MIDI. */
  pitch: number;
}
const VELOCITY = 90;

/** A number in bytes of seven bits, the first ones marked. */
function varied(value: number): number[] {
  const found = [value & 127];
  for (let rest = value >>> 7; rest; rest >>>= 7) found.unshift((rest & 127) | 128);
  return found;
}
const big = (value: number, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) => (value >>> (8 * (bytes - 1 - i))) & 255);
const letters = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));
const meta = (kind: number, data: readonly number[]): number[] => [
  255,
  kind,
  ...varied(data.length),
  ...data,
];
const chunk = (name: string, data: readonly number[]): number[] => [
  ...letters(name),
  ...big(data.length, 4),
  ...data,
];

/**
 * The bytes of a file.
 *
 * Notes of each voice in order of time; how many `ticks` a quarter note has; `tempo` in quarter notes a
 * minute; the tick at which the music ends is marked.
 */
export function midi(
  voices: readonly (readonly Played[])[],
  [upper, lower]: readonly [number, number],
  ticks: number,
  tempo: number,
  end: number,
): Uint8Array<ArrayBuffer> {
  const tracks = voices.map((notes, v) => {
    const events: [tick: number, bytes: number[]][] = [
      ...(v ? [] : head(upper, lower, tempo, end)),
      [0, meta(3, letters(`voice ${v + 1}`))],
      [0, [192 + v, 0]],
      ...notes.flatMap(({ first, last, pitch }): [number, number[]][] => [
        [first, [144 + v, pitch, VELOCITY]],
        [last, [128 + v, pitch, VELOCITY]],
      ]),
    ];
    events.sort(([a], [b]) => a - b);
    let before = 0;
    const data = events.flatMap(([tick, bytes]) => {
      const wait = tick - before;
      before = tick;
      return [...varied(wait), ...bytes];
    });
    return chunk("MTrk", [...data, 1, ...meta(47, [])]);
  });
  const header = chunk("MThd", [...big(1, 2), ...big(tracks.length, 2), ...big(ticks, 2)]);
  return Uint8Array.from([...header, ...tracks.flat()]);
}
const head = (upper: number, lower: number, tempo: number, end: number): [number, number[]][] => [
  [end, meta(6, letters("end"))],
  [0, meta(88, [upper, Math.log2(lower), 24, 8])],
  [0, meta(81, big(Math.round(60_000_000 / tempo), 3))],
];
