/** Files in one zip, as they are: pictures are small already. */
export const ZIP = "application/zip";

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});
export function crc32(data: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of data) c = (CRC[(c ^ byte) & 255] as number) ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/** Numbers of 2 and 4 bytes, the least first. */
function fields(...values: readonly (readonly [bytes: 2 | 4, value: number])[]): Uint8Array<ArrayBuffer> {
  const out = new DataView(new ArrayBuffer(values.reduce((sum, [bytes]) => sum + bytes, 0)));
  let at = 0;
  for (const [bytes, value] of values) {
    if (bytes === 2) out.setUint16(at, value, true);
    else out.setUint32(at, value, true);
    at += bytes;
  }
  return new Uint8Array(out.buffer);
}

const [VERSION, UTF8] = [20, 0x800];

/** A zip of files by name; less than 4 GB in all. */
export function zip(files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>, now = new Date()): Blob {
  const time = (now.getHours() << 11) | (now.getMinutes() << 5) | (now.getSeconds() >> 1);
  const date = ((now.getFullYear() - 1980) << 9) | ((now.getMonth() + 1) << 5) | now.getDate();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const index: Uint8Array<ArrayBuffer>[] = [];
  let at = 0;
  for (const [name, data] of files) {
    const called = new TextEncoder().encode(name);
    const about = fields(
      [2, VERSION],
      [2, UTF8],
      [2, 0],
      [2, time],
      [2, date],
      [4, crc32(data)],
      [4, data.length],
      [4, data.length],
      [2, called.length],
      [2, 0],
    );
    parts.push(fields([4, 0x04034b50]), about, called, data);
    index.push(
      fields([4, 0x02014b50], [2, VERSION]),
      about,
      fields([2, 0], [2, 0], [2, 0], [4, 0], [4, at]),
      called,
    );
    at += 4 + about.length + called.length + data.length;
  }
  const size = index.reduce((sum, part) => sum + part.length, 0);
  const end = fields(
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, files.size],
    [2, files.size],
    [4, size],
    [4, at],
    [2, 0],
  );
  return new Blob([...parts, ...index, end], { type: ZIP });
}
