import { defineConfig } from "vite";

// The studio's server hands out index.html at / and everything else under /assets/.
export default defineConfig({
  base: "/",
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    outDir: process.env["LIMINAL_STATIC"] ?? "dist",
    emptyOutDir: true,
    assetsDir: "assets",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  server: { proxy: { "/api": process.env["LIMINAL_SERVER"] ?? "http://127.0.0.1:8811" } },
});
