/**
 * Builds dist/ from src/: bundles by esbuild and, unless --no-types (or --quiet), the type declarations by tsc.
 *
 *   dist/index.js      the library: any platform; `node:` modules stay outside and are only imported when a Node-only function runs
 *   dist/worker.js     what runs inside a worker; it takes the library from index.js
 *   dist/cli/main.js   the command: has Node keep what it compiles (from version 22 on, in its cache for that), then loads
 *   dist/cli/command-line.js   the command line, with its packages bundled, so that the published package depends on nothing; the runtime of exported
 *                      models (src/inference.ts) is a text in it. Its names stay, for stack traces
 *   dist/types/        declarations; their `.ts` imports are rewritten to `.js`
 *
 * `node scripts/build.mjs [--quiet] [--no-types]`. `--quiet` prints nothing unless something fails.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { inferenceText } from "./inference.mjs";
import { buildLibrary } from "./library.mjs";
import { root, runNode, toolPath } from "./launch.mjs";

const flags = new Set(process.argv.slice(2));
const quiet = flags.has("--quiet");
const types = !quiet && !flags.has("--no-types");
const started = performance.now();
const { build } = await import("esbuild");
const version = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;

const shared = {
  absWorkingDir: root,
  bundle: true,
  format: "esm",
  target: "es2023",
  charset: "utf8",
  legalComments: "none",
  logLevel: quiet ? "error" : "warning",
  define: { SLUICE_VERSION: JSON.stringify(version) },
};

const COMMAND = `#!/usr/bin/env node
import module from "node:module";

module.enableCompileCache?.();
await import("./command-line.js");
`;

async function bundle(entry, outfile, options) {
  if (!existsSync(join(root, entry))) return;
  await build({ ...shared, ...options, entryPoints: [entry], outfile });
}

try {
  rmSync(join(root, "dist"), { recursive: true, force: true });
  const inference = await inferenceText();
  await Promise.all([
    buildLibrary(join(root, "dist"), { version, logLevel: shared.logLevel }),
    bundle("src/cli/main.ts", "dist/cli/command-line.js", {
      platform: "node",
      minifySyntax: true,
      minifyWhitespace: true,
      define: { ...shared.define, SLUICE_INFERENCE: JSON.stringify(inference) },
      banner: {
        // Packages in CommonJS that are bundled into a module still call `require` for Node's own modules.
        js: 'import { createRequire as $createRequire } from "node:module";\nconst require = $createRequire(import.meta.url);',
      },
    }),
  ]);
  if (existsSync(join(root, "dist/cli/command-line.js"))) {
    const command = join(root, "dist/cli/main.js");
    writeFileSync(command, COMMAND);
    chmodSync(command, 0o755);
  }
} catch (error) {
  if (!error?.errors) console.error(error);
  process.exit(1);
}

if (types) {
  const out = join(root, "dist/types");
  const { status, output } = runNode(toolPath("typescript", "tsc"), ["-p", "tsconfig.types.json"], { capture: true });
  if (status !== 0) {
    console.error(output.trim());
    process.exit(1);
  }
  for (const path of readdirSync(out, { recursive: true })) {
    const file = join(out, path);
    if (!file.endsWith(".d.ts")) continue;
    const text = readFileSync(file, "utf8");
    const rewritten = text.replace(/(from\s+|import\(\s*)(["'])(\.{1,2}\/[^"']*)\.ts\2/g, "$1$2$3.js$2");
    if (rewritten !== text) writeFileSync(file, rewritten);
  }
  mkdirSync(dirname(out), { recursive: true });
}

if (!quiet) {
  for (const name of ["index.js", "worker.js", "cli/command-line.js"]) {
    const file = join(root, "dist", name);
    if (!existsSync(file)) continue;
    const kilobytes = (bytes) => `${(bytes / 1024).toFixed(1)} KB`.padStart(10);
    const bytes = readFileSync(file);
    console.log(`dist/${name.padEnd(14)}${kilobytes(bytes.length)}${kilobytes(gzipSync(bytes, { level: 9 }).length)} gzipped`);
  }
  console.log(`built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}
