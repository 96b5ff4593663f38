/**
 * What a frame costs that holds next to nothing, in a place as large as the studio's map: `node
 * test/bench/floor.mjs '{"width": ..., "height": ...}'`.
 * It bounds what any page can reach on this machine. Prints one line of JSON.
 */
import { main, opened, pan } from "./meter.mjs";

await main(async ({ width, height, seconds = 20 }) => {
  const { browser, page } = await opened();
  await page.goto("about:blank");
  await page.setContent(
    `<!doctype html><body style="margin:0"><canvas width="${width}" height="${height}"></canvas>`,
  );
  await page.evaluate(() => {
    const canvas = document.querySelector("canvas");
    const gl = canvas.getContext("webgl2", { antialias: false });
    const program = gl.createProgram();
    for (const [kind, text] of [
      [gl.VERTEX_SHADER, "void main() { gl_Position = vec4(0., 0., 0., 1.); gl_PointSize = 2.; }"],
      [gl.FRAGMENT_SHADER, "precision mediump float; out vec4 colour; void main() { colour = vec4(1.); }"],
    ]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, `#version 300 es\n${text}`);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    let asked = 0;
    canvas.addEventListener("pointermove", ({ clientX }) => {
      asked ||= requestAnimationFrame(() => {
        asked = 0;
        gl.clearColor((clientX % 100) / 100, 0.5, 0.5, 1);
        gl.clear(gl.COLOR_BUFFER_BIT);
        gl.drawArrays(gl.POINTS, 0, 1);
      });
    });
  });
  const moved = await pan(page, { x: 0, y: 0, width, height }, 60, seconds);
  await browser.close();
  return moved;
});
