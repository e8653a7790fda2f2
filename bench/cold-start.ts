/**
 * `npm run bench -- --cold`: from `node script` to the first output of an LSTM (W1), beside node with nothing to do; and the size of the library.
 *
 * The library is bundled as it is shipped (one minified file). Times are of whole processes, best and median of many, Sluice's and the empty one's in turn.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { median } from "./report.ts";

const ROUNDS = 25;

const SCRIPT = `
import { compile, createModel, MECHANISMS } from "./sluice.mjs";
const model = createModel(compile(MECHANISMS.lstm), { sizes: { D: 64, H: 128 } });
const x = Float32Array.from({ length: 100 * 64 }, (_, i) => Math.sin(i));
const { h } = model.run({ x: { data: x, shape: [100, 64] } });
if (!(h.data.length === 12800 && Math.abs(h.data[12799]) > 0)) throw new Error("no output");
`;

function wallMs(file: string): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [file], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return performance.now() - start;
}

/** Prints times and sizes. */
export async function coldStart(): Promise<void> {
  const folder = join(process.cwd(), "node_modules/.cache/cold");
  mkdirSync(folder, { recursive: true });
  const library = join(folder, "sluice.mjs");
  await build({
    entryPoints: [join(process.cwd(), "src/index.ts")],
    outfile: library,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "neutral",
    external: ["node:*"],
    target: "es2022",
    define: { SLUICE_VERSION: '"bench"' },
    logLevel: "warning",
  });
  const [empty, first] = [join(folder, "empty.mjs"), join(folder, "first.mjs")];
  writeFileSync(empty, "");
  writeFileSync(first, SCRIPT);
  const samples = Array.from({ length: ROUNDS }, () => [wallMs(empty), wallMs(first)] as const);
  const nothing = samples.map(([ms]) => ms);
  const output = samples.map(([, ms]) => ms);
  const text = (values: readonly number[]): string => `best ${Math.min(...values).toFixed(0)}, median ${median(values).toFixed(0)} ms`;
  console.log(`node with nothing to do        ${text(nothing)}`);
  console.log(`node to the first LSTM output  ${text(output)}`);
  console.log(`of which Sluice                best ${(Math.min(...output) - Math.min(...nothing)).toFixed(0)}, median ${(median(output) - median(nothing)).toFixed(0)} ms`);
  const bytes = readFileSync(library);
  console.log(`the whole library              ${(bytes.length / 1000).toFixed(0)} KB, gzipped ${(gzipSync(bytes, { level: 9 }).length / 1000).toFixed(1)} KB`);
}
