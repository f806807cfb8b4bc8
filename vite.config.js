// Every script in src/samklang/web/assets becomes one file of the same name in static/samklang/built, which
// Django serves (whitenoise adds the hash). Nothing is inlined: the Content-Security-Policy allows files only.
import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig } from "vite";

const assets = resolve(import.meta.dirname, "src/samklang/web/assets");
const entries = readdirSync(assets).filter((name) => name.endsWith(".js"));

export default defineConfig({
  publicDir: false,
  build: {
    outDir: "src/samklang/web/static/samklang/built",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    rollupOptions: {
      input: Object.fromEntries(entries.map((name) => [name.replace(/\.js$/, ""), resolve(assets, name)])),
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "chunk-[name].js",
        assetFileNames: "[name][extname]",
      },
    },
  },
});
