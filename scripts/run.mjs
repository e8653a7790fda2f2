/**
 * Runs a TypeScript file of this repository: `node scripts/run.mjs FILE.ts [arguments…]`.
 *
 * The file is bundled into a temporary module under node_modules/.cache (so that packages resolve as usual) and started with the arguments;
 * `sluice` in an import means src/index.ts. The exit status is the program's.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { root, runNode } from "./launch.mjs";

const [entry, ...args] = process.argv.slice(2);
if (!entry) {
  console.error("usage: node scripts/run.mjs FILE.ts [arguments…]");
  process.exit(2);
}
const cache = join(root, "node_modules/.cache");
mkdirSync(cache, { recursive: true });
const folder = mkdtempSync(join(cache, "run-"));
let status = 1;
try {
  const outfile = join(folder, "main.mjs");
  await build({
    entryPoints: [resolve(entry)],
    outfile,
    absWorkingDir: root,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "es2023",
    packages: "external",
    alias: { sluice: join(root, "src/index.ts") },
    sourcemap: "inline",
    logLevel: "warning",
    define: { SLUICE_VERSION: '"development"' },
  });
  status = runNode(outfile, args, { env: { NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ""} --enable-source-maps`.trim() } }).status;
} catch (error) {
  if (!error?.errors) console.error(error);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(status);
