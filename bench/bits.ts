/**
 * `npm run bench -- --bits [NODE…]`: the training trajectories of test/trajectories under this Node and under others, given by path.
 *
 * Deterministic arithmetic must give the bits on record everywhere, from one and two threads. Fused arithmetic is a second class of bits: its losses must
 * agree with the deterministic ones as far as rounding lets them over 200 steps. Exit status 1 if anything differs.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

interface Report {
  readonly version: string;
  readonly v8: string;
  readonly fuses: boolean;
  /** By model: hashes of one thread, two threads, fused; the largest relative difference between fused and deterministic losses. */
  readonly models: Readonly<Record<string, { readonly one: string; readonly two: string; readonly fused: string; readonly apart: number }>>;
}

/** Relative difference of losses that 200 steps may make of one rounding instead of two. */
const FUSED_TOLERANCE = 1e-3;

const RUNNER = `
import { engineCode } from "../src/runtime/wasm/engine.ts";
import { TRAJECTORIES, trajectory } from "../test/trajectories/trajectory.ts";
const models = {};
for (const name of TRAJECTORIES) {
  const [one, two, fused] = [await trajectory(name), await trajectory(name, { threads: 2 }), await trajectory(name, { fused: true })];
  const text = ({ hashes }) => hashes.losses + " " + hashes.parameters;
  const apart = Math.max(...one.losses.map((loss, step) => Math.abs(fused.losses[step] - loss) / Math.abs(loss)));
  models[name] = { one: text(one), two: text(two), fused: text(fused), apart };
}
console.log(JSON.stringify({ version: process.version, v8: process.versions.v8, fuses: engineCode().fused, models }));
process.exit(0);
`;

/** Runs the trajectories under each Node and compares; returns the exit status. */
export async function compareBits(nodes: readonly string[]): Promise<number> {
  const folder = join(process.cwd(), "node_modules/.cache/bits");
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, "run.mjs");
  await build({
    stdin: { contents: RUNNER, resolveDir: join(process.cwd(), "bench") },
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "es2023",
    packages: "external",
    define: { SLUICE_VERSION: '"bench"' },
    logLevel: "warning",
  });
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  const record = JSON.parse(readFileSync(join(process.cwd(), "test/trajectories/trajectories.json"), "utf8")) as Record<
    string,
    { losses: string; parameters: string }
  >;
  let good = true;
  for (const node of [process.execPath, ...nodes]) {
    const { status, stdout, stderr } = spawnSync(node, [outfile], { encoding: "utf8" });
    if (status !== 0) {
      console.log(`${node}: failed\n${stderr}`);
      good = false;
      continue;
    }
    const { version, v8, fuses, models } = JSON.parse(stdout.trim().split("\n").at(-1)!) as Report;
    console.log(`Node ${version} (V8 ${v8})${fuses ? "" : "; this engine does not fuse"}`);
    for (const [name, { one, two, fused, apart }] of Object.entries(models)) {
      const want = `${record[name].losses} ${record[name].parameters}`;
      const verdicts = [one === want ? "as on record" : `NOT ON RECORD (${want})`, one === two ? "two threads the same" : `TWO THREADS ${two}`];
      const second = !fuses ? "" : `; fused ${fused}, losses ${apart.toExponential(1)} apart${apart <= FUSED_TOLERANCE ? "" : " TOO FAR"}`;
      console.log(`  ${name.padEnd(12)} ${one}  ${verdicts.join(", ")}${second}`);
      good &&= one === want && one === two && (!fuses || apart <= FUSED_TOLERANCE);
    }
  }
  return good ? 0 : 1;
}
