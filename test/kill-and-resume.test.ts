/**
 * A run that is killed without warning, again and again, ends where an uninterrupted one does.
 *
 * Real processes of the command line, SIGKILL at random moments: while the program starts, between steps, while a checkpoint is written. After each the
 * checkpoint is whole. At the end the weights have the bits of a run that nobody killed, and so has every loss. SLUICE_KILLS sets how often (8; 50 were
 * tried), SLUICE_SEED when.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { build } from "esbuild";
import { afterAll, expect, test } from "vitest";
import { readSafetensors } from "../src/formats/safetensors.ts";
import { createRandom } from "../src/support/random.ts";

const KILLS = Number(process.env.SLUICE_KILLS ?? 8);
const SEED = Number(process.env.SLUICE_SEED ?? 1);
const STEPS = 40 + 30 * KILLS;
const folder = mkdtempSync(join(tmpdir(), "sluice-kill-"));
const program = join(folder, "sluice.mjs");
const children = new Set<ChildProcess>();
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const begin = (out: string): string[] =>
  `train lstm --task flag --hidden 32 --steps ${STEPS} --batch 16 --rate 0.01 --checkpoint-every 1 --threads 1 --json --out ${out}`.split(" ");

test(`${KILLS} kills`, { timeout: 60_000 + KILLS * 5000 }, async () => {
  await build({
    entryPoints: [join(import.meta.dirname, "../src/cli/main.ts")],
    outfile: program,
    bundle: true,
    platform: "node",
    format: "esm",
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    define: { SLUICE_VERSION: JSON.stringify("test") },
    logLevel: "error",
  });
  const whole = result(begin(join(folder, "whole.safetensors")));

  const random = createRandom(SEED);
  const out = join(folder, "killed.safetensors");
  const checkpoint = join(folder, "killed.checkpoint.safetensors");
  let kills = 0;
  while (kills < KILLS && !existsSync(out)) {
    const args = existsSync(checkpoint) ? ["train", "--resume", checkpoint, "--json"] : begin(out);
    const child = spawn(process.execPath, [program, ...args], { stdio: "ignore" });
    children.add(child);
    const ended = once(child, "exit");
    if (random.uniform() < 0.8) await written(checkpoint, child);
    else await wait(random.uniform(0, 250));
    await wait(random.uniform(0, 100));
    const isKilled = child.kill("SIGKILL");
    await ended;
    children.delete(child);
    if (isKilled) kills++;
    if (existsSync(checkpoint)) expect(readSafetensors(readFileSync(checkpoint)).tensors.size, `checkpoint after kill ${kills}`).toBeGreaterThan(12);
  }
  expect(kills).toBe(KILLS);
  expect(existsSync(out)).toBe(false);
  const last = result(["train", "--resume", checkpoint, "--json"]);
  expect(last.losses.length).toBeGreaterThan(0);
  expect(last.losses).toEqual(whole.losses.slice(-last.losses.length)); // of the steps since the last kill
  expect(tensorsOf(out)).toEqual(tensorsOf(join(folder, "whole.safetensors")));
  // What a killed process was writing stays beside the checkpoint, under another name.
  expect(readdirSync(folder).filter((name) => name.endsWith(".safetensors")).length).toBe(4);
});

/** Runs to the end. */
function result(args: readonly string[]): { losses: number[] } {
  return JSON.parse(execFileSync(process.execPath, [program, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
}

/** Waits until the process has written a checkpoint of its own, or has ended. */
async function written(path: string, child: ChildProcess): Promise<void> {
  const before = existsSync(path) ? statSync(path).mtimeMs : 0;
  while (child.exitCode === null && !(existsSync(path) && statSync(path).mtimeMs > before)) await wait(2);
}

/** Name, shape and bytes of every tensor of a file. */
function tensorsOf(path: string): unknown {
  return [...readSafetensors(readFileSync(path)).tensors].map(([name, { shape, bytes }]) => [name, shape, Buffer.from(bytes).toString("base64")]);
}
