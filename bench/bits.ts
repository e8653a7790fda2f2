/**
 * `npm run bench -- --bits [NODE…] [chromium] [--wide]`: the training trajectories of test/trajectories under this Node and under others, given by path, and
 * in a browser; with wide vectors where they can be had.
 *
 * Deterministic arithmetic must give the bits on record everywhere, from one and two threads. Fused arithmetic is a second class of bits: its losses must
 * agree with the deterministic ones as far as rounding lets them over 200 steps. Exit status 1 if anything differs.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CHROMIUM, chromiumTrajectories } from "../test/trajectories/chromium.ts";
import type { Trajectory } from "../test/trajectories/trajectory.ts";
import { bundle } from "./bundle.ts";

interface Report {
  readonly version: string;
  readonly v8: string;
  readonly fuses: boolean;
  /** What came of wide vectors, if they were asked for. */
  readonly wide?: string;
  /** By model: hashes of one thread, two threads, fused; the largest relative difference between fused and deterministic losses. */
  readonly models: Readonly<Record<string, { readonly one: string; readonly two: string; readonly fused: string; readonly apart: number }>>;
}

/** Relative difference of losses that 200 steps may make of one rounding instead of two. */
const FUSED_TOLERANCE = 1e-3;

const RUNNER = `
import { engineCode } from "../src/runtime/wasm/engine.ts";
import { useWideVectors } from "../src/runtime/wasm/wide.ts";
import { TRAJECTORIES, trajectory } from "../test/trajectories/trajectory.ts";
const wide = process.argv.includes("--wide") ? useWideVectors().text : undefined;
const models = {};
for (const name of TRAJECTORIES) {
  const [one, two, fused] = [await trajectory(name), await trajectory(name, { threads: 2 }), await trajectory(name, { fused: true })];
  const text = ({ hashes }) => hashes.losses + " " + hashes.parameters;
  const apart = Math.max(...one.losses.map((loss, step) => Math.abs(fused.losses[step] - loss) / Math.abs(loss)));
  models[name] = { one: text(one), two: text(two), fused: text(fused), apart };
}
console.log(JSON.stringify({ version: process.version, v8: process.versions.v8, fuses: engineCode().fused, wide, models }));
process.exit(0);
`;

/** Runs the trajectories under each engine and compares; returns the exit status. */
export async function compareBits(engines: readonly string[], wide = false): Promise<number> {
  const nodes = engines.filter((engine) => engine !== "chromium");
  const outfile = await bundle("bits", { text: RUNNER });
  const record = JSON.parse(readFileSync(join(process.cwd(), "test/trajectories/trajectories.json"), "utf8")) as Record<string, Trajectory>;
  let good = true;
  for (const node of [process.execPath, ...nodes]) {
    const { status, stdout, stderr } = spawnSync(node, wide ? [outfile, "--wide"] : [outfile], { encoding: "utf8" });
    if (status !== 0) {
      console.log(`${node}: failed\n${stderr}`);
      good = false;
      continue;
    }
    const { version, v8, fuses, wide: said, models } = JSON.parse(stdout.trim().split("\n").at(-1)!) as Report;
    console.log(`Node ${version} (V8 ${v8})${fuses ? "" : "; this engine does not fuse"}${said === undefined ? "" : `; ${said}`}`);
    for (const [name, { one, two, fused, apart }] of Object.entries(models)) {
      const want = `${record[name].losses} ${record[name].parameters}`;
      const verdicts = [one === want ? "as on record" : `NOT ON RECORD (${want})`, one === two ? "two threads the same" : `TWO THREADS ${two}`];
      const second = !fuses ? "" : `; fused ${fused}, losses ${apart.toExponential(1)} apart${apart <= FUSED_TOLERANCE ? "" : " TOO FAR"}`;
      console.log(`  ${name.padEnd(12)} ${one}  ${verdicts.join(", ")}${second}`);
      good &&= one === want && one === two && (!fuses || apart <= FUSED_TOLERANCE);
    }
  }
  if (engines.includes("chromium")) good = (await compareChromium(record)) && good;
  return good ? 0 : 1;
}

/** Prints the browser's lines; true if all bits are on record. */
async function compareChromium(record: Readonly<Record<string, Trajectory>>): Promise<boolean> {
  if (!existsSync(CHROMIUM)) {
    console.log(`Chromium: there is no ${CHROMIUM}`);
    return false;
  }
  const { version, isolated, models } = await chromiumTrajectories(process.cwd());
  console.log(`Chromium ${version}, ${isolated ? "a page isolated from other origins" : "WITHOUT ISOLATION"}`);
  const text = ({ losses, parameters }: Trajectory): string => `${losses} ${parameters}`;
  let good = isolated;
  for (const [name, { one, two }] of Object.entries(models)) {
    const want = text(record[name]);
    const verdicts = [
      text(one) === want ? "as on record" : `NOT ON RECORD (${want})`,
      text(two) === text(one) ? "two threads the same" : `TWO THREADS ${text(two)}`,
    ];
    console.log(`  ${name.padEnd(12)} ${text(one)}  ${verdicts.join(", ")}`);
    good &&= text(one) === want && text(two) === want;
  }
  return good;
}
