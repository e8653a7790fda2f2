import { expect, test } from "vitest";
import { MECHANISMS } from "../mechanisms/index.ts";
import { compile } from "../model/compiled.ts";
import type { StartEvent } from "./events.ts";
import { train } from "./loop.ts";
import { planTraining } from "./memory-budget.ts";
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
  const ways: string[] = [];
  for (let share = 1.2; share > 0.25; share -= 0.05) {
    const { start, losses, parameters } = await run(MECHANISMS.lstm, share * mebibytes);
    expect(start.memoryBytes).toBeLessThanOrEqual(share * free.start.memoryBytes);
    const way = start.segment > 0 ? "segments" : start.keep;
    if (ways.at(-1) !== way) ways.push(way);
    if (start.segment === 0) {
      expect(losses).toEqual(free.losses);
      expect(parameters).toEqual(free.parameters);
    } else for (const [k, loss] of losses.entries()) expect(loss).toBeCloseTo(free.losses[k], 4);
  }
  expect(ways).toEqual(["usual", "least", "segments"]);
});

test("the plan without data is the one that training takes", async () => {
  const ways: string[] = [];
  for (const mebibytes of [3, 1.1, 0.9, 0.5]) {
    let start: StartEvent | undefined;
    const { network, sizes } = await train(compile(MECHANISMS.lstm), dataset, {
      H: 24,
      steps: 1,
      memoryMiB: mebibytes,
      validateEvery: 0,
      onEvent: (event) => void (event.kind === "start" && (start = event)),
    });
    const { keep, segment } = planTraining(network, sizes, { capacity: 200, batch: 4 }, mebibytes * 2 ** 20);
    expect({ keep, segment }).toEqual({ keep: start!.keep, segment: start!.segment });
    ways.push(`${keep} ${segment > 0}`);
  }
  expect(new Set(ways).size).toBe(3);
});

test("a budget holds although only a later batch pads", async () => {
  const padded = {
    ...dataset,
    train: {
      ...dataset.train,
      batchAt: (step: number) => ({ ...dataset.train.batchAt(step), ...(step >= 9 && { lengths: Int32Array.from([200, 150, 200, 120]) }) }),
    },
  };
  const budgetBytes = 0.5 * 2 ** 20;
  let largest = 0;
  const Memory = WebAssembly.Memory;
  try {
    WebAssembly.Memory = class extends Memory {
      constructor(descriptor: WebAssembly.MemoryDescriptor) {
        super(descriptor);
        largest = Math.max(largest, 65536 * descriptor.initial);
      }
    };
    await train(compile(MECHANISMS.lstm), padded, { H: 24, steps: 11, seed: 4, memoryMiB: budgetBytes / 2 ** 20, validateEvery: 0 });
  } finally {
    WebAssembly.Memory = Memory;
  }
  expect(largest).toBeGreaterThan(0);
  expect(largest).toBeLessThanOrEqual(budgetBytes + 65536);
});

test("a budget holds for the programs of training and validation together", async () => {
  const budgetBytes = 0.5 * 2 ** 20;
  let total = 0;
  const Memory = WebAssembly.Memory;
  try {
    WebAssembly.Memory = class extends Memory {
      constructor(descriptor: WebAssembly.MemoryDescriptor) {
        super(descriptor);
        total += 65536 * descriptor.initial;
      }
    };
    await train(compile(MECHANISMS.lstm), dataset, { H: 24, steps: 2, seed: 4, memoryMiB: 0.5, validateEvery: 2, validationBatches: 1 });
  } finally {
    WebAssembly.Memory = Memory;
  }
  expect(total).toBeGreaterThan(65536);
  expect(total).toBeLessThanOrEqual(budgetBytes + 2 * 65536);
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
