/**
 * Small pictures on the map: a texture array that keeps those last used, and one draw call for all that are
 * seen.
 */
import type { Size } from "../scales.ts";
import { build, feed, type Program } from "./gl.ts";

const PLACE = `
layout(location = 0) in vec4 rect; layout(location = 1) in vec4 look; layout(location = 2) in vec4 ring;
uniform vec2 size; out vec2 px; flat out vec2 full; flat out vec4 how; flat out vec4 edge;
void main() {
  vec2 corner = vec2(gl_VertexID & 1, (gl_VertexID >> 1) & 1);
  px = (corner - .5) * rect.zw; full = rect.zw; how = look; edge = ring;
  vec2 place = rect.xy + px;
  gl_Position = vec4(place.x / size.x * 2. - 1., 1. - place.y / size.y * 2., 0., 1.);
}`;
// look: layer, opacity, hatched (0 or 1), radius of the corners; ring: colour and width, both in pixels of
// the page
// by night what is drawn on paper has the page's ground for white and light ink of the same hue
const NIGHT = `
uniform float night;
vec3 seen(vec3 c, vec3 ground) {
  vec3 turned = clamp(c + 1. - 2. * dot(c, vec3(.213, .715, .072)), 0., 1.);
  return night > 0. ? mix(ground, vec3(1.), turned) : c;
}`;
const FACE = `${NIGHT}
in vec2 px; flat in vec2 full; flat in vec4 how; flat in vec4 edge;
uniform sampler2DArray pictures; uniform vec3 ground; uniform float ratio; out vec4 colour;
void main() {
  vec2 q = abs(px) - full / 2. + how.w;
  float far = length(max(q, 0.)) + min(max(q.x, q.y), 0.) - how.w;
  vec4 picture = textureLod(pictures, vec3(px / (full - 2. * edge.a) + .5, how.x), 0.);
  float alpha = clamp(.5 - far * ratio, 0., 1.) * how.y * picture.a;
  vec3 c = seen(picture.rgb, ground);
  if (edge.a > 0.) c = mix(c, edge.rgb, clamp((far + edge.a) * ratio + .5, 0., 1.));
  if (how.z > 0.) {
    float line = abs(fract((gl_FragCoord.x + gl_FragCoord.y) / (7. * ratio)) - .5) * 7. * ratio;
    // dark on dark is not seen
    vec3 stripe = mix(ground, vec3(1.), dot(ground, vec3(1. / 3.)) < .5 ? .6 : 0.);
    c = mix(mix(c, ground, .35 * how.z), stripe, how.z * .77 * clamp(1.1 * ratio - line + .5, 0., 1.));
  }
  colour = vec4(c * alpha, alpha);
}`;
// without round corners and hatching: a fraction of the work where there is no graphics card
const PLAIN = `${NIGHT}
in vec2 px; flat in vec2 full; flat in vec4 how; flat in vec4 edge;
uniform sampler2DArray pictures; uniform vec3 ground; out vec4 colour;
void main() {
  vec4 picture = textureLod(pictures, vec3(px / (full - 2. * edge.a) + .5, how.x), 0.);
  vec2 q = abs(px) - full / 2. + edge.a;
  colour = max(q.x, q.y) > 0. ? vec4(edge.rgb, 1.) : vec4(seen(picture.rgb, ground) * picture.a, picture.a);
  colour *= how.y;
}`;

// numbers of a corner: all four have the same, since without a graphics card instances cost more than their
// pixels
const WIDTH = 12;

export interface Tile {
  slot: number;
  /** Middle and sides on the screen, in pixels of the page. */
  x: number;
  y: number;
  width: number;
  height: number;
  opacity: number;
  hatched: boolean;
  round: number;
  /** Colour (0 to 1) and width of the rim. */
  rim: readonly [number, number, number];
  rimWidth: number;
}

/** Which slot holds what, the longest unused one given away first. */
export class Slots {
  private readonly held = new Map<string, number>();
  private readonly free: number[];
  constructor(
    readonly count: number,
    private readonly lost: (key: string) => void = () => {},
  ) {
    this.free = Array.from({ length: count }, (_, i) => count - 1 - i);
  }
  /** The slot of a key that is there, which then counts as just used. */
  find(key: string): number | undefined {
    const slot = this.held.get(key);
    if (slot !== undefined) {
      this.held.delete(key);
      this.held.set(key, slot);
    }
    return slot;
  }
  /** A slot for a new key. */
  give(key: string): number {
    let slot = this.free.pop();
    if (slot === undefined) {
      const [oldest, used] = this.held.entries().next().value as [string, number];
      this.held.delete(oldest);
      this.lost(oldest);
      slot = used;
    }
    this.held.set(key, slot);
    return slot;
  }
}

export class Tiles {
  private readonly faces: Program;
  private readonly plainly: Program;
  private readonly corners: WebGLBuffer;
  private readonly order: WebGLBuffer;
  private readonly vertices: WebGLVertexArrayObject;
  private readonly pictures: WebGLTexture;
  readonly count: number;

  constructor(
    private readonly gl: WebGL2RenderingContext,
    readonly width: number,
    readonly height: number,
    count: number,
    private readonly paper = false,
  ) {
    this.count = Math.min(count, gl.getParameter(gl.MAX_ARRAY_TEXTURE_LAYERS) as number);
    this.faces = build(gl, PLACE, FACE);
    this.plainly = build(gl, PLACE, PLAIN);
    this.corners = gl.createBuffer();
    this.order = gl.createBuffer();
    this.vertices = gl.createVertexArray();
    this.pictures = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, this.pictures);
    gl.texStorage3D(gl.TEXTURE_2D_ARRAY, 1, gl.RGBA8, width, height, this.count);
    for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER])
      gl.texParameteri(gl.TEXTURE_2D_ARRAY, side, gl.LINEAR);
    for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T])
      gl.texParameteri(gl.TEXTURE_2D_ARRAY, side, gl.CLAMP_TO_EDGE);
    gl.bindVertexArray(this.vertices);
    ["rect", "look", "ring"].forEach((name, i) =>
      feed(gl, this.faces, name, this.corners, 4, gl.FLOAT, WIDTH * 4, i * 16),
    );
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.order);
    gl.bufferData(
      gl.ELEMENT_ARRAY_BUFFER,
      Uint16Array.from(
        { length: 6 * this.count },
        (_, i) => 4 * Math.floor(i / 6) + ([0, 1, 2, 2, 1, 3][i % 6] as number),
      ),
      gl.STATIC_DRAW,
    );
    gl.bindVertexArray(null);
  }

  /** Puts a picture (rgba, width x height) into a slot. */
  put(slot: number, rgba: Uint8Array | Uint8ClampedArray): void {
    const { gl } = this;
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, this.pictures);
    gl.texSubImage3D(
      gl.TEXTURE_2D_ARRAY,
      0,
      0,
      0,
      slot,
      this.width,
      this.height,
      1,
      gl.RGBA,
      gl.UNSIGNED_BYTE,
      rgba,
    );
  }

  draw(
    tiles: readonly Tile[],
    size: Size,
    ratio: number,
    ground: readonly [number, number, number],
    plain: boolean,
  ): void {
    const { gl } = this;
    const faces = plain ? this.plainly : this.faces;
    if (!tiles.length) return;
    const data = new Float32Array(tiles.length * 4 * WIDTH);
    tiles.forEach((t, i) => {
      const one = [
        t.x,
        t.y,
        t.width,
        t.height,
        t.slot,
        t.opacity,
        t.hatched ? 1 : 0,
        t.round,
        ...t.rim,
        t.rimWidth,
      ];
      for (let corner = 0; corner < 4; corner++) data.set(one, (4 * i + corner) * WIDTH);
    });
    gl.useProgram(faces.program);
    gl.bindVertexArray(this.vertices);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.corners);
    gl.bufferData(gl.ARRAY_BUFFER, data, gl.STREAM_DRAW);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, this.pictures);
    gl.uniform2f(faces.at["size"] ?? null, size.width, size.height);
    gl.uniform3f(faces.at["ground"] ?? null, ...ground);
    gl.uniform1f(faces.at["ratio"] ?? null, ratio);
    gl.uniform1f(faces.at["night"] ?? null, this.paper && ground[0] + ground[1] + ground[2] < 1.5 ? 1 : 0);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.drawElements(gl.TRIANGLES, 6 * tiles.length, gl.UNSIGNED_SHORT, 0);
    gl.bindVertexArray(null);
  }

  close(): void {
    this.gl.deleteTexture(this.pictures);
    this.gl.deleteBuffer(this.corners);
    this.gl.deleteBuffer(this.order);
    this.gl.deleteVertexArray(this.vertices);
  }
}
