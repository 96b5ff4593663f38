/**
 * Films as MP4: the browser's own video encoder makes the frames small (WebCodecs), and mp4-muxer writes the
 * file around them.
 */
import { ArrayBufferTarget, Muxer } from "mp4-muxer";
import { enlarged, surface } from "../modalities/painted.ts";
import { PREVIEW, type Frames } from "./films.ts";

/**
 * What plays in an MP4, by how many players know it, at level 4 (2048 x 1024 pixels). Baseline H.264 keeps
 * the frames in their order.
 */
const CODECS = { "avc1.420028": "avc", "vp09.00.40.08": "vp9", "av01.0.08M.08": "av1" } as const;
const BITS = 0.5; // a pixel: enlarged pixels have sharp edges
const AHEAD = 4; // frames that wait for the encoder, at most

type Setup = VideoEncoderConfig & { codec: keyof typeof CODECS };

const even = (side: number): number => side + (side % 2);

/**
 * How this browser encodes a film of items of a size, with even sides as halved colour wants them; null where
 * it cannot.
 */
export async function encoding(height: number, width: number, fps = 24): Promise<Setup | null> {
  if (!("VideoEncoder" in globalThis)) return null;
  const by = enlarged(Math.max(height, width), PREVIEW);
  const size = { width: even(width * by), height: even(height * by) };
  for (const codec of Object.keys(CODECS) as Setup["codec"][]) {
    const setup = {
      ...size,
      codec,
      framerate: fps,
      bitrate: Math.round(BITS * size.width * size.height * fps),
    };
    if (
      await VideoEncoder.isConfigSupported(setup).then(
        ({ supported }) => supported,
        () => false,
      )
    )
      return setup;
  }
  return null;
}

/**
 * A film; the page goes on breathing between frames. A side that is odd gains a row or column like the one at
 * its edge.
 */
export async function mp4(film: Frames, fps: number): Promise<Blob> {
  const setup = await encoding(film.height, film.width, fps);
  if (!setup) throw new Error("This browser cannot encode a film for MP4; it can be saved as GIF.");
  const { canvas, pen } = surface(setup.width, setup.height);
  const chunks: Parameters<EncodedVideoChunkOutputCallback>[] = [];
  const faults: Error[] = [];
  const encoder = new VideoEncoder({
    output: (...chunk) => chunks.push(chunk),
    error: (fault) => faults.push(fault),
  });
  try {
    encoder.configure(setup);
    for (let i = 0; i < film.n; i++) {
      const picture = film.at(i);
      pen.drawImage(picture, setup.width - film.width, setup.height - film.height);
      pen.drawImage(picture, 0, 0);
      const frame = new VideoFrame(canvas, { timestamp: Math.round((1e6 * i) / fps) });
      encoder.encode(frame, { keyFrame: i % Math.ceil(fps) === 0 }); // one a second
      frame.close();
      if (i % 4 === 3)
        do await new Promise((done) => setTimeout(done));
        while (encoder.encodeQueueSize > AHEAD);
    }
    await encoder.flush();
  } catch (error) {
    throw new Error(`The browser did not encode the film: ${(faults[0] ?? (error as Error)).message}`);
  } finally {
    if (encoder.state !== "closed") encoder.close();
  }
  const file = new Muxer({
    target: new ArrayBufferTarget(),
    fastStart: "in-memory",
    video: { codec: CODECS[setup.codec], width: setup.width, height: setup.height },
  });
  for (const [chunk, about] of chunks) {
    const data = new Uint8Array(chunk.byteLength);
    chunk.copyTo(data);
    file.addVideoChunkRaw(data, chunk.type, chunk.timestamp, 1e6 / fps, about);
  }
  file.finalize();
  return new Blob([file.target.buffer], { type: "video/mp4" });
}
