/**
 * The map's canvas: draws the layers in order, only when something has changed, and adds detail once the map
 * is at rest.
 */
import type { Rgb } from "../colours.ts";
import type { Camera, Size } from "../scales.ts";
import type { Microscope } from "./microscope.ts";
import { Labels } from "./labels.ts";
import { Pace } from "./pace.ts";
import { Points } from "./points.ts";
import type { Thumbnails } from "./thumbnails.ts";
import type { Tiles } from "./tiles.ts";

export interface Scene {
  camera: Camera | null;
  size: Size;
  /** Which layers are on. */
  points: boolean;
  microscope: boolean;
  shown: Uint8Array;
  colour: (row: number) => Rgb;
  /** The colour behind everything. */
  ground: Rgb;
  /** How strongly the microscope shows, 0 to 1. */
  veil: number;
}
export interface Layers {
  decoded: { tiles: Tiles; microscope: Microscope } | null;
  thumbnails: { tiles: Tiles; layer: Thumbnails } | null;
}

const REST = 90; // milliseconds without a move, and two frames, after which the map rests

const unit = (colour: Rgb): [number, number, number] => [colour[0] / 255, colour[1] / 255, colour[2] / 255];

export class Renderer {
  readonly gl: WebGL2RenderingContext;
  readonly points: Points;
  readonly labels: Labels;
  readonly pace = new Pace();
  layers: Layers = { decoded: null, thumbnails: null };
  private asked = 0;
  private moved = 0;
  private still = 0;
  private before = 0;
  private camera = "";
  /** Milliseconds between the last frames, for tests and benchmarks. */
  readonly times: number[] = [];
  resting = false;

  constructor(
    readonly canvas: HTMLCanvasElement,
    private readonly scene: () => Scene,
  ) {
    // opaque: nothing behind it is painted
    const gl = canvas.getContext("webgl2", { antialias: false, alpha: false });
    if (!gl)
      throw new Error(
        "This browser draws no WebGL 2, which the map needs: switch on graphics acceleration in its " +
          "settings, or try another browser. The rest of the page works.",
      );
    this.gl = gl;
    gl.disable(gl.DEPTH_TEST);
    gl.enable(gl.BLEND);
    this.points = new Points(gl);
    this.labels = new Labels(gl, this.ratio());
  }

  /** Draws soon. */
  request(): void {
    this.resting = false;
    this.asked ||= requestAnimationFrame((now) => this.frame(now));
  }

  private frame(now: number): void {
    this.asked = 0;
    const scene = this.scene();
    const { camera, size } = scene;
    if (!size.width) return;
    const ratio = this.fit(size);
    this.clear(scene.ground);
    if (!camera) return; // nothing is laid out yet
    const place = `${camera.x} ${camera.y} ${camera.k}`;
    this.still++;
    if (place !== this.camera) [this.camera, this.moved, this.still] = [place, now, 0];
    const moving = now - this.moved < REST || this.still < 2;
    const took = this.before ? now - this.before : 0;
    if (took) this.times.push(took);
    if (took && moving) this.pace.note(took);
    else if (took && this.points.adding) this.pace.added(took);
    if (this.times.length > 600) this.times.shift();
    const more = this.draw(scene, camera, ratio, moving);
    this.before = more || moving ? now : 0;
    if (more || moving) this.request();
    else this.resting = true;
  }

  private ratio(): number {
    return Math.min(window.devicePixelRatio || 1, 2);
  }

  /** Makes the canvas as large as its place on the screen; gives the device's pixels to one of the page's. */
  private fit(size: Size): number {
    const ratio = this.ratio();
    const [width, height] = [Math.round(size.width * ratio), Math.round(size.height * ratio)];
    if (this.canvas.width !== width || this.canvas.height !== height)
      [this.canvas.width, this.canvas.height] = [width, height];
    return ratio;
  }

  private clear(ground: Rgb): void {
    const { gl } = this;
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.clearColor(...unit(ground), 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
  }

  private draw(scene: Scene, camera: Camera, ratio: number, moving: boolean): boolean {
    const { size } = scene;
    const ground = unit(scene.ground);
    const { decoded, thumbnails } = this.layers;
    const faces =
      thumbnails && scene.points ? thumbnails.layer.draw(camera, size, scene.shown, scene.colour) : null;
    const plain = moving && this.pace.plain;
    let more = false;
    if (decoded && scene.microscope) {
      if (!moving) decoded.microscope.ask(camera, size);
      const { tiles, fading } = decoded.microscope.draw(camera, size, scene.veil);
      decoded.tiles.draw(tiles, size, ratio, ground, plain);
      more ||= fading;
    }
    if (scene.points) {
      const strength = 1 - 0.55 * (faces?.share ?? 0);
      more = this.points.draw(camera, size, ratio, strength, moving, this.pace) || more;
    }
    if (faces && thumbnails) thumbnails.tiles.draw(faces.tiles, size, ratio, ground, plain);
    this.labels.draw(camera, size, ratio);
    return more;
  }

  /** Where an item lies on the map, by its row. */
  rowAt(row: number): Float32Array {
    return this.points.at(row);
  }

  /** What the microscope has decoded of what is in view. */
  decoded(): { level: number; decoded: number; wanted: number } | null {
    const { camera, size } = this.scene();
    return camera && this.layers.decoded ? this.layers.decoded.microscope.state(camera, size) : null;
  }

  close(): void {
    cancelAnimationFrame(this.asked);
    this.layers.decoded?.microscope.close();
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}
