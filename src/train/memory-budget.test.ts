import { expect, test } from "vitest";
import { MECHANISMS } from "../mechanisms/index.ts";
import { compile } from "../model/compiled.ts";
import type { StartEvent } from "./events.ts";
import { train } from "./loop.ts";
import { findTask } from "./tasks/list.ts";

const dataset = findTask("adding")!.dataset({ batch: 4, seed: 2, options: { length: 200 } });

/** Trains a few steps; how it was done, and what came out. */
async function run(text: string, memoryMiB: number | undefined, steps = 4) {
  let start: StartEvent | undefined;
  const trained = await train(compile(text), dataset, {
    H: 24,
    steps,
    seed: 4,
    memoryMiB,
    validateEvery: 0,
    onEvent: (event) => {
      if (event.kind === "start") start = event;
    },
  });
  return { start: start!, losses: Array.from(trained.result.losses), parameters: trained.parameters };
}

test("a smaller budget first keeps less, with the same bits, then goes in segments, with the same gradients", async () => {
  const free = await run(MECHANISMS.lstm, undefined);
  expect(free.start).toMatchObject({ segment: 0, keep: "usual" });
  const mebibytes = free.start.memoryBytes / 2 ** 20;

  const roomy = await run(MECHANISMS.lstm, mebibytes);
  expect(roomy.start).toEqual({ ...free.start, compileMs: roomy.start.compileMs });

  const least = await run(MECHANISMS.lstm, 0.95 * mebibytes);
  expect(least.start).toMatchObject({ segment: 0, keep: "least" });
  expect(least.start.memoryBytes).toBeLessThan(0.95 * free.start.memoryBytes);
  expect(least.losses).toEqual(free.losses);
  expect(least.parameters).toEqual(free.parameters);

  const segmented = await run(MECHANISMS.lstm, 0.3 * mebibytes);
  expect(segmented.start.segment).toBeGreaterThan(0);
  expect(segmented.start.memoryBytes).toBeLessThan(0.3 * free.start.memoryBytes);
  for (const [i, loss] of segmented.losses.entries()) expect(loss).toBeCloseTo(free.losses[i], 4);
});

test("a budget that nothing fits is refused with what the smallest way needs", async () => {
  await expect(run(MECHANISMS.lstm, 0.01)).rejects.toMatchObject({
    code: "E478",
    message: expect.stringMatching(/at least 0\.\d+ MiB, more than the 0\.0 MiB/),
  });
  const attention =
    "reader(x) → y\n  q = Wq·x\n  k = Wk·x\n  v = Wv·x\n  a[s] = softmax_s(q·k[s])\n  y = Σ_s a[s]*v[s]\n  where s ≤ t, q ∈ ℝ^H, v ∈ ℝ^H";
  await expect(run(attention, 0.01)).rejects.toMatchObject({ code: "E478", message: expect.stringContaining("cannot go in segments") });
});

test("a budget is a positive number", async () => {
  await expect(train(compile(MECHANISMS.lstm), dataset, { H: 4, steps: 1, memoryMiB: -1 })).rejects.toMatchObject({ code: "E462" });
});
