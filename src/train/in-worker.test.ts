import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compile } from "../model/compiled.ts";
import { trainInWorker } from "./in-worker.ts";
import { train } from "./loop.ts";
import { findTask } from "./tasks/list.ts";

const text = `
cell(x) → h
  z = σ(Wz·x + Uz·h[t-1])
  h = z∘h[t-1] + (1 - z)∘tanh(Wh·x)

recall(x, y) → p
  h = cell(x)
  p = W·h + b
  loss = cross_entropy(p, y)
`;

let folder: string;
let script: URL;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-worker-"));
  const outfile = join(folder, "worker.mjs");
  await build({
    entryPoints: ["src/worker.ts"],
    bundle: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "es2023",
    external: ["node:*", "stream"],
    outfile,
  });
  script = pathToFileURL(outfile);
});
afterAll(() => rm(folder, { recursive: true }));

const dataset = { kind: "task", name: "flag-recall", settings: { batch: 4, seed: 3 } } as const;
const settings = { sizes: { H: 4 }, steps: 6, seed: 2, validateEvery: 0 };

test("a worker gives the events and the bits of the thread itself", async () => {
  const steps: number[] = [];
  const away = await trainInWorker(compile(text), dataset, { ...settings, script, onStep: (event) => void steps.push(event.loss) });
  const here = await train(compile(text), findTask(dataset.name).dataset(dataset.settings), settings);
  expect(away.parameters).toEqual(here.parameters);
  expect(away.result.losses).toEqual(here.result.losses);
  expect(Float32Array.from(steps)).toEqual(here.result.losses);
});

test("stopping and failing reach the owner", async () => {
  const stop = new AbortController();
  const options = { ...settings, steps: 1_000_000, script, signal: stop.signal };
  const stopped = await trainInWorker(compile(text), dataset, { ...options, onStep: ({ step }) => step === 2 && stop.abort() });
  expect(stopped.result.reason).toBe("aborted");
  expect(stopped.result.steps).toBeGreaterThanOrEqual(2);
  await expect(trainInWorker(compile(text), { kind: "task", name: "flag-recoil" }, { ...settings, script })).rejects.toThrow(
    /there is no task flag-recoil/,
  );
});
