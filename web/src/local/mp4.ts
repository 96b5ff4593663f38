/**
 * Films as MP4: the browser's own encoders make frames and sound small (WebCodecs), and mp4-muxer writes the
 * file around them.
 */
import { ArrayBufferTarget, Muxer } from "mp4-muxer";
import { enlarged, surface } from "../modalities/painted.ts";
import type { Track } from "../modalities/view.ts";
import { PREVIEW, type Frames } from "./films.ts";

/**
 * What plays in an MP4, by how many players know it, at level 4 (2048 x 1024 pixels). Baseline H.264 keeps
 * the frames in their order.
 */
const CODECS = { "avc1.420028": "avc", "vp09.00.40.08": "vp9", "av01.0.08M.08": "av1" } as const;
const BITS = 0.5; // a pixel: enlarged pixels have sharp edges
const AHEAD = 4; // frames that wait for the encoder, at most
// times a second, at least, that a film with sound shows its picture: players skip long frames
const SHOWN = 8;
/** What sound is written as, by how many players know it. */
const HEARD = { "mp4a.40.2": "aac", opus: "opus" } as const;
const [HERTZ, BITRATE, BLOCK] = [48_000, 96_000, 48_000]; // samples a second, bits a second; samples at once

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

type Hearing = AudioEncoderConfig & { codec: keyof typeof HEARD };

/** How this browser encodes sound; null where it cannot. */
export async function hearing(): Promise<Hearing | null> {
  if (!("AudioEncoder" in globalThis)) return null;
  for (const codec of Object.keys(HEARD) as Hearing["codec"][]) {
    const setup = { codec, sampleRate: HERTZ, numberOfChannels: 1, bitrate: BITRATE };
    if (
      await AudioEncoder.isConfigSupported(setup).then(
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
 * its edge. Over the sound that belongs to it the frames are shared out evenly, and it is part of the film
 * where it is said how it is encoded.
 */
export async function mp4(
  film: Frames,
  fps: number,
  sound: Track | null = null,
  how: Hearing | null = null,
): Promise<Blob> {
  const slow = sound ? (film.n * sound.rate) / sound.samples.length : fps;
  const again = sound ? Math.ceil(SHOWN / slow) : 1;
  const setup = await encoding(film.height, film.width, again * slow);
  if (!setup) throw new Error("This browser cannot encode a film for MP4; it can be saved as GIF.");
  const seen = await shown(film, setup, again);
  const heard = sound && how ? await sung(sound, how) : [];
  const file = new Muxer({
    target: new ArrayBufferTarget(),
    fastStart: "in-memory",
    video: { codec: CODECS[setup.codec], width: setup.width, height: setup.height },
    ...(heard.length && how
      ? { audio: { codec: HEARD[how.codec], numberOfChannels: 1, sampleRate: HERTZ } }
      : {}),
  });
  for (const [chunk, about] of seen)
    file.addVideoChunkRaw(bytes(chunk), chunk.type, chunk.timestamp, 1e6 / slow / again, about);
  for (const [chunk, about] of heard)
    file.addAudioChunkRaw(bytes(chunk), chunk.type, chunk.timestamp, chunk.duration ?? 0, about);
  file.finalize();
  return new Blob([file.target.buffer], { type: "video/mp4" });
}

function bytes(chunk: EncodedVideoChunk | EncodedAudioChunk): Uint8Array {
  const data = new Uint8Array(chunk.byteLength);
  chunk.copyTo(data);
  return data;
}

/** The frames made small, each so many times. */
async function shown(
  film: Frames,
  setup: Setup,
  again: number,
): Promise<Parameters<EncodedVideoChunkOutputCallback>[]> {
  const { canvas, pen } = surface(setup.width, setup.height);
  const chunks: Parameters<EncodedVideoChunkOutputCallback>[] = [];
  const faults: Error[] = [];
  const fps = setup.framerate ?? 1;
  const encoder = new VideoEncoder({
    output: (...chunk) => chunks.push(chunk),
    error: (fault) => faults.push(fault),
  });
  try {
    encoder.configure(setup);
    for (let i = 0; i < film.n * again; i++) {
      if (i % again === 0) {
        const picture = film.at(i / again);
        pen.drawImage(picture, setup.width - film.width, setup.height - film.height);
        pen.drawImage(picture, 0, 0);
      }
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
  return chunks;
}

/** The sound made small. */
async function sung(sound: Track, how: Hearing): Promise<Parameters<EncodedAudioChunkOutputCallback>[]> {
  const samples = await resampled(sound, HERTZ);
  const chunks: Parameters<EncodedAudioChunkOutputCallback>[] = [];
  const faults: Error[] = [];
  const encoder = new AudioEncoder({
    output: (...chunk) => chunks.push(chunk),
    error: (fault) => faults.push(fault),
  });
  try {
    encoder.configure(how);
    for (let at = 0; at < samples.length; at += BLOCK) {
      const data = samples.slice(at, at + BLOCK);
      const part = new AudioData({
        format: "f32-planar",
        sampleRate: HERTZ,
        numberOfFrames: data.length,
        numberOfChannels: 1,
        timestamp: Math.round((1e6 * at) / HERTZ),
        data,
      });
      encoder.encode(part);
      part.close();
    }
    await encoder.flush();
  } catch (error) {
    throw new Error(`The browser did not encode the sound: ${(faults[0] ?? (error as Error)).message}`);
  } finally {
    if (encoder.state !== "closed") encoder.close();
  }
  return chunks;
}

/** The same at another rate. */
async function resampled({ samples, rate }: Track, hertz: number): Promise<Float32Array<ArrayBuffer>> {
  const room = new OfflineAudioContext(1, Math.ceil((samples.length * hertz) / rate), hertz);
  const buffer = new AudioBuffer({ length: samples.length, sampleRate: rate });
  buffer.copyToChannel(samples, 0);
  const source = new AudioBufferSourceNode(room, { buffer });
  source.connect(room.destination);
  source.start();
  return (await room.startRendering()).getChannelData(0) as Float32Array<ArrayBuffer>;
}
