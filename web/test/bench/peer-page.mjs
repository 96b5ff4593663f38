/**
 * The page that shows points with a peer of the studio; `shown(name, places, size)` draws them. Bundled by
 * peers.mjs.
 */
import { defaultCategoryColors, EmbeddingView } from "embedding-atlas-component";
import createScatterplot from "regl-scatterplot";

/**
 * Drawn by regl-scatterplot: places from -1 to 1; squares without blending where it is asked to be `fast`.
 */
async function regl({ xy, label, kinds }, { width, height, point }, fast) {
  const canvas = document.body.appendChild(document.createElement("canvas"));
  canvas.style.cssText = `width:${width}px;height:${height}px`;
  const [low, high] = [Infinity, -Infinity].map((from, side) =>
    xy.reduce((a, b) => (side ? Math.max(a, b) : Math.min(a, b)), from),
  );
  const n = label.length;
  const columns = { x: new Float32Array(n), y: new Float32Array(n), z: Float32Array.from(label) };
  for (let i = 0; i < n; i++) {
    columns.x[i] = ((xy[2 * i] - low) / (high - low)) * 2 - 1;
    columns.y[i] = ((xy[2 * i + 1] - low) / (high - low)) * 2 - 1;
  }
  const plot = createScatterplot({
    canvas,
    width,
    height,
    pointSize: point,
    colorBy: "valueA",
    pointColor: defaultCategoryColors(kinds),
    opacity: fast ? 1 : 0.5,
    performanceMode: fast,
  });
  await plot.draw(columns, { zDataType: "categorical" });
}

async function atlas({ xy, label, kinds }, { width, height }) {
  const n = label.length;
  const [x, y] = [new Float32Array(n), new Float32Array(n)];
  for (let i = 0; i < n; i++) [x[i], y[i]] = [xy[2 * i], xy[2 * i + 1]];
  const place = document.body.appendChild(document.createElement("div"));
  place.style.cssText = `width:${width}px;height:${height}px`;
  new EmbeddingView(place, {
    data: { x, y, category: label },
    categoryColors: defaultCategoryColors(kinds),
    width,
    height,
    pixelRatio: 1,
    config: { mode: "points" },
  });
}

const PEERS = {
  "regl-scatterplot": (a, b) => regl(a, b, false),
  "regl-scatterplot, fast": (a, b) => regl(a, b, true),
  "embedding-atlas": atlas,
};

window.shown = async (name, size) => {
  const data = await (await fetch("/points")).arrayBuffer();
  const n = data.byteLength / 9;
  const places = { xy: new Float32Array(data, 0, 2 * n), label: new Uint8Array(data, 8 * n, n) };
  places.kinds = 1 + places.label.reduce((a, b) => Math.max(a, b), 0);
  window.meter.begun = performance.now();
  await PEERS[name](places, size);
};
