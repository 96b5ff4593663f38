/**
 * All items as points. They are added up in a half-float picture (colour times coverage, and coverage), which
 * is then shown with the coverage on a logarithmic scale: where points saturate one sees how dense they are.
 * The points lie in shuffled order, so the first k are a uniform sample: while the map moves only those are
 * drawn, and at rest the others are added bit by bit. Where graphics are slow, a moving map's points are laid
 * one over the other without the sums, and at rest the processor adds them up.
 */
import { type Camera, inView, type Size } from "../scales.ts";
import { add, type Heap, PIXELS } from "./adding.ts";
import { build, feed, type Program } from "./gl.ts";
import type { Pace } from "./pace.ts";

const POINTS = `
in vec2 xy; in float code;
uniform vec2 middle; uniform vec2 scale; uniform float radius; uniform sampler2D palette;
flat out vec3 colour;
void main() {
  if (code > 254.5) { gl_Position = vec4(2., 2., 0., 1.); gl_PointSize = 0.; return; }
  gl_Position = vec4((xy - middle) * scale, 0., 1.);
  gl_PointSize = 2. * radius + 1.;
  colour = texelFetch(palette, ivec2(int(code + .5), 0), 0).rgb;
}`;
const DISC = `
flat in vec3 colour; uniform float radius, opacity; out vec4 sum;
void main() {
  float far = length(gl_PointCoord - .5) * (2. * radius + 1.);
  float covered = opacity * clamp(radius + .5 - far, 0., 1.);
  sum = vec4(colour * covered, covered);
}`;
const TRIANGLE =
  `void main() { gl_Position = vec4(vec2(gl_VertexID == 1 ? 3. : -1., gl_VertexID == 2 ? ` +
  `3. : -1.), 0., 1.); }`;
const SHADE = `
uniform sampler2D sums; uniform float part, overlap, least, strength; out vec4 shade;
void main() {
  vec4 sum = texelFetch(sums, ivec2(gl_FragCoord.xy), 0);
  if (sum.a <= 0.) { shade = vec4(0.); return; }
  float piled = max(sum.a / part, 1.);
  float dense = overlap > 1.01 ? min(log(piled) / log(overlap), 1.) : 0.;
  float alpha = strength * min(sum.a / mix(part, 1., .7), 1.) * mix(least, 1., dense);
  shade = vec4(sum.rgb / sum.a * alpha, alpha);
}`;

const AT_REST = [125_000, 250_000] as const; // fewest and most points that are added with a frame

export class Points {
  private readonly discs: Program;
  private readonly shade: Program;
  private readonly places: WebGLBuffer;
  private readonly codes: WebGLBuffer;
  private readonly palette: WebGLTexture;
  private readonly sums: WebGLTexture;
  private readonly target: WebGLFramebuffer;
  private readonly vertices: WebGLVertexArrayObject;
  private readonly nothing: WebGLVertexArrayObject;
  /** Whether points are left to be added to a map at rest. */
  adding = false;
  private count = 0;
  private drawn = 0;
  private picture = "";
  private heap: Heap = { sums: new Float32Array(), width: 0, height: 0 };
  private sorted: { places: Float32Array; codes: Uint8Array; palette: Uint8Array } = {
    places: new Float32Array(),
    codes: new Uint8Array(),
    palette: new Uint8Array(),
  };
  private xy: Float32Array = new Float32Array();
  private order: Uint32Array = new Uint32Array();
  /** Points to a square unit of the map where they are dense. */
  private density = 0;

  constructor(private readonly gl: WebGL2RenderingContext) {
    gl.getExtension("EXT_color_buffer_float") ?? gl.getExtension("EXT_color_buffer_half_float");
    this.discs = build(gl, POINTS, DISC);
    this.shade = build(gl, TRIANGLE, SHADE);
    this.places = gl.createBuffer();
    this.codes = gl.createBuffer();
    this.palette = texture(gl);
    this.sums = texture(gl);
    this.target = gl.createFramebuffer();
    this.vertices = gl.createVertexArray();
    this.nothing = gl.createVertexArray();
    gl.bindVertexArray(this.vertices);
    feed(gl, this.discs, "xy", this.places, 2);
    feed(gl, this.discs, "code", this.codes, 1, gl.UNSIGNED_BYTE);
    gl.bindVertexArray(null);
  }

  /** Where the points lie, the order to draw them in, and how dense they are where they are dense. */
  place(xy: Float32Array, order: Uint32Array, density: number): void {
    const { gl } = this;
    const places = new Float32Array(xy.length);
    for (let i = 0; i < order.length; i++) {
      const row = order[i] as number;
      places[2 * i] = xy[2 * row] as number;
      places[2 * i + 1] = xy[2 * row + 1] as number;
    }
    this.sorted.places = places;
    [this.xy, this.order, this.count, this.density] = [xy, order, order.length, density];
    gl.bindBuffer(gl.ARRAY_BUFFER, this.places);
    gl.bufferData(gl.ARRAY_BUFFER, places, gl.STATIC_DRAW);
    this.colour(
      new Uint8Array(this.count),
      new Uint8Array(256 * 4).fill(128),
      new Uint8Array(this.count).fill(1),
    );
  }

  /** The code of each row, the colours of the codes, and which rows are shown. */
  colour(codes: Uint8Array, palette: Uint8Array, shown: Uint8Array): void {
    const { gl } = this;
    const sorted = new Uint8Array(this.count);
    for (let i = 0; i < this.count; i++) {
      const row = this.order[i] as number;
      sorted[i] = shown[row] ? (codes[row] as number) : 255;
    }
    Object.assign(this.sorted, { codes: sorted, palette });
    gl.bindBuffer(gl.ARRAY_BUFFER, this.codes);
    gl.bufferData(gl.ARRAY_BUFFER, sorted, gl.DYNAMIC_DRAW);
    gl.bindTexture(gl.TEXTURE_2D, this.palette);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, palette);
    this.picture = "";
  }

  /** The place of a row. */
  at(row: number): Float32Array {
    return this.xy.subarray(2 * row, 2 * row + 2);
  }

  radius(camera: Camera, ratio: number): number {
    const overlap = (this.density * Math.PI * 4) / (camera.k * camera.k);
    return ratio * Math.min(Math.max(2.6 / Math.max(overlap, 0.15) ** 0.3, 0.8), 4.5);
  }

  /** Draws into the current framebuffer. Says whether points are left for the next frame. */
  draw(camera: Camera, size: Size, ratio: number, strength: number, moving: boolean, pace: Pace): boolean {
    const { gl } = this;
    const [width, height] = [gl.drawingBufferWidth, gl.drawingBufferHeight];
    const radius = this.radius(camera, ratio);
    const overlap = (this.density / (camera.k * ratio) ** 2) * Math.PI * radius * radius;
    const few = Math.min(this.count, Math.floor(pace.points));
    if (moving && pace.plain) {
      [this.picture, this.adding] = ["", false];
      this.add(camera, size, radius, 0, few, strength * opacity((overlap * few) / this.count));
      return false;
    }
    const own = !moving && pace.slow && width * height <= PIXELS;
    const picture = `${camera.x} ${camera.y} ${camera.k} ${own ? "own" : ""} ${width} ${height}`;
    if (picture !== this.picture) this.drawn = 0;
    // at rest as many again with every frame: what a frame costs besides its points counts, but a drag that
    // only paused goes on smoothly
    const step = Math.min(Math.max(this.drawn, AT_REST[0]), AT_REST[1]);
    const until = moving ? Math.max(this.drawn, few) : Math.min(this.count, this.drawn + step);
    if (own) this.addUp(camera, size, width, height, radius, until);
    else {
      this.start(width, height, picture);
      if (until > this.drawn) this.add(camera, size, radius, this.drawn, until - this.drawn);
      gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    }
    [this.picture, this.drawn] = [picture, until];
    this.show(overlap, strength);
    this.adding = !moving && this.drawn < this.count;
    return this.adding;
  }

  /** Has the sums of a picture ready for the graphics to add to, empty where it is another one. */
  private start(width: number, height: number, picture: string): void {
    const { gl } = this;
    gl.bindTexture(gl.TEXTURE_2D, this.sums);
    if (!this.picture.endsWith(`  ${width} ${height}`)) {
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA16F, width, height, 0, gl.RGBA, gl.HALF_FLOAT, null);
    }
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.target);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.sums, 0);
    if (picture === this.picture) return;
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
  }

  /** Adds points up by the processor, and gives the sums to the graphics. */
  private addUp(
    camera: Camera,
    size: Size,
    width: number,
    height: number,
    radius: number,
    until: number,
  ): void {
    const { gl, sorted } = this;
    if (this.drawn === until) return;
    if (this.heap.width !== width || this.heap.height !== height)
      this.heap = { sums: new Float32Array(4 * width * height), width, height };
    else if (!this.drawn) this.heap.sums.fill(0);
    const { left, bottom } = inView(camera, size);
    const view = {
      left,
      bottom,
      across: (camera.k * width) / size.width,
      up: (camera.k * height) / size.height,
    };
    add(this.heap, view, sorted.places, sorted.codes, sorted.palette, this.drawn, until, radius);
    gl.bindTexture(gl.TEXTURE_2D, this.sums);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32F, width, height, 0, gl.RGBA, gl.FLOAT, this.heap.sums);
  }

  /** Adds points up, or lays them one over the other with an opacity. */
  private add(
    camera: Camera,
    size: Size,
    radius: number,
    from: number,
    count: number,
    opacity?: number,
  ): void {
    const { gl, discs } = this;
    gl.useProgram(discs.program);
    gl.bindVertexArray(this.vertices);
    gl.uniform2f(discs.at["middle"] ?? null, camera.x, camera.y);
    gl.uniform2f(discs.at["scale"] ?? null, (2 * camera.k) / size.width, (2 * camera.k) / size.height);
    gl.uniform1f(discs.at["radius"] ?? null, radius);
    gl.uniform1f(discs.at["opacity"] ?? null, opacity ?? 1);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.palette);
    gl.blendFunc(gl.ONE, opacity === undefined ? gl.ONE : gl.ONE_MINUS_SRC_ALPHA);
    gl.drawArrays(gl.POINTS, from, count);
  }

  private show(overlap: number, strength: number): void {
    const { gl, shade } = this;
    gl.useProgram(shade.program);
    gl.bindVertexArray(this.nothing);
    gl.bindTexture(gl.TEXTURE_2D, this.sums);
    gl.uniform1f(shade.at["part"] ?? null, this.drawn / Math.max(this.count, 1));
    gl.uniform1f(shade.at["overlap"] ?? null, Math.max(1, overlap));
    gl.uniform1f(shade.at["least"] ?? null, opacity(overlap));
    gl.uniform1f(shade.at["strength"] ?? null, strength);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    gl.bindVertexArray(null);
  }
}

/** Of a single point, where so many lie over each other in dense parts. */
const opacity = (overlap: number): number => 0.9 - 0.6 * Math.min(Math.max(Math.log2(overlap) / 5, 0), 1);

function texture(gl: WebGL2RenderingContext): WebGLTexture {
  const made = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, made);
  for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER])
    gl.texParameteri(gl.TEXTURE_2D, side, gl.NEAREST);
  for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T])
    gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
  return made;
}
