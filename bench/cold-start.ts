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

const REPORT = `
const { user, system } = process.cpuUsage();
console.log(JSON.stringify([performance.now(), (user + system) / 1000]));
`;

/** Wall and processor milliseconds of a process, from its start to the end of its script. */
function timesOf(file: string): readonly [number, number] {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as [number, number];
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
    platform: "browser",
    external: ["node:*"],
    target: "es2022",
    define: { SLUICE_VERSION: '"bench"' },
    logLevel: "warning",
  });
  const [empty, first] = [join(folder, "empty.mjs"), join(folder, "first.mjs")];
  writeFileSync(empty, REPORT);
  writeFileSync(first, SCRIPT + REPORT);
  const samples = Array.from({ length: ROUNDS }, () => [timesOf(empty), timesOf(first)] as const);
  const summary = (which: 0 | 1, clock: 0 | 1): readonly [number, number] => {
    const values = samples.map((pair) => pair[which][clock]);
    return [Math.min(...values), median(values)];
  };
  for (const clock of [0, 1] as const) {
    const [nothing, output] = [summary(0, clock), summary(1, clock)];
    const text = ([best, middle]: readonly [number, number]): string => `best ${best.toFixed(0)}, median ${middle.toFixed(0)} ms`;
    console.log(clock === 0 ? "wall time" : "processor time, all threads of node");
    console.log(`  node with nothing to do        ${text(nothing)}`);
    console.log(`  node to the first LSTM output  ${text(output)}`);
    console.log(`  of which Sluice                ${text([output[0] - nothing[0], output[1] - nothing[1]])}`);
  }
  const bytes = readFileSync(library);
  console.log(
    `the whole library              ${(bytes.length / 1000).toFixed(0)} KB, gzipped ${(gzipSync(bytes, { level: 9 }).length / 1000).toFixed(1)} KB`,
  );
}
