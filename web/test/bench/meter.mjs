/**
 * What the studio's benches measure with, the same for it and for its peers.
 *
 * `meter` runs in a page before everything else. It notes every frame in which something was drawn (WebGL or
 * WebGPU), and holds it for ended only when the graphics card, or what stands in for it, has done all of it:
 * after the frame's own work one pixel is read back from every WebGL context that drew (which waits for all
 * that was queued), and a WebGPU queue is asked to say when it is through. So nobody gains by handing in work
 * and leaving it undone. The time of a frame is from the end of the one before to its own end.
 */
import { browse } from "../stand.mjs";

export const WINDOW = { width: 1280, height: 800 };
const WEBGPU = ["--enable-unsafe-webgpu", "--enable-features=Vulkan", "--use-webgpu-adapter=swiftshader"];

export function meter() {
  const seen = { frames: [], moves: [], paints: [], asked: [], arrived: {} };
  window.meter = seen;
  const channel = new MessageChannel();
  let frame = null;
  const drew = (target, vertices) => {
    if (!frame) {
      frame = { begin: document.timeline.currentTime ?? performance.now(), vertices: 0, targets: new Set() };
      channel.port2.postMessage(0); // comes when this frame's callbacks are all through
    }
    frame.vertices += vertices;
    frame.targets.add(target);
  };
  channel.port1.onmessage = async () => {
    const { begin, vertices, targets } = frame;
    frame = null;
    for (const target of targets) if ("readPixels" in target) pixel(target);
    for (const target of targets) if ("onSubmittedWorkDone" in target) await target.onSubmittedWorkDone();
    seen.frames.push({ begin, end: performance.now(), vertices });
  };
  const pixel = (gl) => {
    const second = "READ_FRAMEBUFFER" in gl;
    const [target, bound] = second
      ? [gl.READ_FRAMEBUFFER, gl.getParameter(gl.READ_FRAMEBUFFER_BINDING)]
      : [gl.FRAMEBUFFER, gl.getParameter(gl.FRAMEBUFFER_BINDING)];
    const packed = second ? gl.getParameter(gl.PIXEL_PACK_BUFFER_BINDING) : null;
    gl.bindFramebuffer(target, null);
    if (packed) gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    gl.bindFramebuffer(target, bound);
    if (packed) gl.bindBuffer(gl.PIXEL_PACK_BUFFER, packed);
  };
  const before = (kind, name, told) => {
    const plain = kind?.prototype[name];
    if (!plain) return;
    kind.prototype[name] = function (...given) {
      told(this, given);
      return plain.apply(this, given);
    };
  };
  for (const kind of [window.WebGLRenderingContext, window.WebGL2RenderingContext]) {
    before(kind, "drawArrays", (gl, [, , count]) => drew(gl, count));
    before(kind, "drawElements", (gl, [, count]) => drew(gl, count));
    before(kind, "drawArraysInstanced", (gl, [, , count, times]) => drew(gl, count * times));
    before(kind, "drawElementsInstanced", (gl, [, count, , , times]) => drew(gl, count * times));
  }
  let vertices = 0; // of WebGPU's passes, until they are submitted
  before(window.GPURenderPassEncoder, "draw", (_, [count, times = 1]) => (vertices += count * times));
  before(window.GPURenderPassEncoder, "drawIndexed", (_, [count, times = 1]) => (vertices += count * times));
  // as many as the card itself has counted
  before(window.GPURenderPassEncoder, "drawIndirect", () => (vertices += 1e6));
  before(window.GPUQueue, "submit", (queue) => ([vertices] = [(drew(queue, vertices), 0)]));
  before(
    CanvasRenderingContext2D,
    "putImageData",
    (pen) => pen.canvas.closest(".hover") && seen.paints.push(performance.now()),
  );
  addEventListener("pointermove", (event) => seen.moves.push(event.timeStamp), { capture: true });

  const fetch = window.fetch;
  window.fetch = (address, how) => {
    if (String(address).includes("/api/at"))
      seen.asked.push({ at: performance.now(), bytes: how?.body?.byteLength ?? 0 });
    return fetch(address, how);
  };
  const whole = Response.prototype.arrayBuffer;
  Response.prototype.arrayBuffer = async function () {
    const data = await whole.call(this);
    for (const name of ["map", "at"])
      if (this.url.includes(`/api/${name}`)) seen.arrived[name] = performance.now();
    return data;
  };
}

/** A browser and a page with the meter in it. */
export async function opened() {
  const browser = await browse(WEBGPU);
  const page = await browser.newPage({ viewport: WINDOW, colorScheme: "light" });
  page.setDefaultTimeout(90_000);
  await page.addInitScript(meter);
  return { browser, page };
}

/** Points in forty heaps of different sizes, from a fixed generator. */
export function heaps(n) {
  let state = 11;
  const random = () => (state = (state * 1664525 + 1013904223) >>> 0) / 4294967296;
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const all = Array.from({ length: 40 }, () => [20 * random() - 10, 20 * random() - 10, 0.2 + random()]);
  const [xy, label] = [new Float32Array(2 * n), new Uint8Array(n)];
  for (let i = 0; i < n; i++) {
    const [x, y, s] = all[(label[i] = i % 40)];
    xy[2 * i] = x + s * normal();
    xy[2 * i + 1] = y + s * normal();
  }
  return { xy, label };
}

export const median = (values, share = 0.5) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] : null;
};

/** Numbers from 0 to 1, the same ones in every run. */
export function randoms(state = 7) {
  return () => (state = (state * 1664525 + 1013904223) >>> 0) / 4294967296;
}

/** Where the first item lies on the screen over which nothing else does; runs in the page. */
export function free(from = 0) {
  const { renderer, camera } = window.liminal;
  const surface = document.querySelector(".surface");
  const box = surface.getBoundingClientRect();
  for (let row = from; row < from + 1000; row++) {
    const [mx, my] = renderer.rowAt(row);
    const { x, y, k } = camera.value;
    const place = [
      Math.round(box.left + box.width / 2 + (mx - x) * k),
      Math.round(box.top + box.height / 2 - (my - y) * k),
    ];
    const over = document.elementFromPoint(...place);
    if (over && (surface.contains(over) || getComputedStyle(over).pointerEvents === "none")) return place;
  }
  throw new Error("nothing of the map can be pointed at");
}

/**
 * CPU-seconds that a browser's processes have taken so far: what a frame costs whatever else the machine
 * does.
 */
export async function cpu(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}

/**
 * Drags by the mouse from the middle of a place, at most `seconds` long: how long the frames took that were
 * drawn meanwhile.
 */
export async function pan(page, box, steps = 60, seconds = 20) {
  const browser = page.context().browser();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.evaluate(() => (window.meter.frames.length = window.meter.moves.length = 0));
  const [until, used] = [Date.now() + 1000 * seconds, await cpu(browser)];
  let done = 0;
  for (; done < steps && Date.now() < until; done++) await page.mouse.move(x + 3 * (done + 1), y + done + 1);
  // the last frame is through
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50))));
  const frames = await page.evaluate(() => window.meter.frames);
  const last = await page.evaluate(() => window.meter.moves.at(-1));
  await page.mouse.up();
  const cost = (1000 * ((await cpu(browser)) - used)) / Math.max(frames.length, 1);
  const took = frames.slice(1).map((frame, i) => frame.end - frames[i].end);
  const work = frames.slice(1).map((frame) => frame.end - frame.begin);
  return {
    frame_ms: median(took),
    frame_ms_p95: median(took, 0.95),
    work_ms: median(work),
    cpu_ms: cost,
    frames: took.length,
    steps: done,
    last,
  };
}

/** Prints one line of JSON, or fails with one line. */
export async function main(work) {
  try {
    console.log(JSON.stringify(await work(JSON.parse(process.argv[2] ?? "{}"))));
    process.exit(0);
  } catch (error) {
    console.error(String(error instanceof Error ? error.message : error).split("\n")[0]);
    process.exit(1);
  }
}
