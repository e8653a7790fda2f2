/**
 * The library as it is shipped: index.js is src/index.ts, minified, in one file, which starts faster than several; worker.js is the inside of a training worker
 * and takes it from there, so that a page which trains in a worker fetches the library once.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { root } from "./launch.mjs";

/** The library with what only worker.js asks it for, which the types do not tell of. */
const INDEX = 'export * from "./src/index.ts"; export { serveTraining } from "./src/train/serve.ts";';
const WORKER = 'import { serveTraining } from "./index.js";\n\nawait serveTraining();\n';

/** Writes index.js and worker.js into a folder. `folder` is that of package.json, where this file is bundled into another. */
export async function buildLibrary(outdir, { version, folder = root, logLevel = "warning" }) {
  await build({
    absWorkingDir: folder,
    stdin: { contents: INDEX, resolveDir: folder, sourcefile: "library.ts", loader: "ts" },
    outfile: join(outdir, "index.js"),
    bundle: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    external: ["node:*"],
    target: "es2023",
    charset: "utf8",
    legalComments: "none",
    minify: true,
    logLevel,
    define: { SLUICE_VERSION: JSON.stringify(version) },
  });
  writeFileSync(join(outdir, "worker.js"), WORKER);
}
