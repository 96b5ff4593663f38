import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";
import { defineConfig, type Plugin, type UserConfig } from "vite";

const outDir = process.env["LIMINAL_STATIC"] ?? "dist";
const common: UserConfig = { base: "/", esbuild: { jsx: "automatic", jsxImportSource: "preact" } };

// The studio's server hands out index.html at / and everything else under /assets/.
const studio: UserConfig = {
  ...common,
  build: {
    outDir,
    emptyOutDir: true,
    assetsDir: "assets",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  server: { proxy: { "/api": process.env["LIMINAL_SERVER"] ?? "http://127.0.0.1:8811" } },
};

// A shared page is one script, with its worker inside; the engine's WebAssembly lies beside it, compressed,
// for `liminal share` to put in.
const engine: Plugin = {
  name: "engine",
  generateBundle(_, bundle) {
    for (const name of Object.keys(bundle)) if (name.endsWith(".wasm")) delete bundle[name];
    const wasm = readFileSync(
      createRequire(import.meta.url).resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm"),
    );
    this.emitFile({ type: "asset", fileName: "engine.wasm.gz", source: gzipSync(wasm, { level: 9 }) });
  },
};
// Where a bundled module asks for its own address: in a page it has none, and is handed all that it needs.
const nowhere: Plugin = {
  name: "nowhere",
  enforce: "pre",
  transform: (code, id) =>
    id.includes("onnxruntime-web") ? code.replaceAll("import.meta.url", '"blob:page"') : null,
};
const page: UserConfig = {
  ...common,
  plugins: [engine],
  worker: { format: "iife", plugins: () => [nowhere] },
  build: {
    outDir,
    emptyOutDir: false,
    assetsDir: "assets",
    modulePreload: { polyfill: false },
    target: "es2022",
    rollupOptions: { input: "page.html", output: { inlineDynamicImports: true } },
  },
};

export default defineConfig(({ mode }) => (mode === "page" ? page : studio));
