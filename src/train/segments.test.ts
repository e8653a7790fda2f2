import { expect, test } from "vitest";
import { compile } from "../model/compiled.ts";
import { findTask } from "./tasks/list.ts";
import { train } from "./loop.ts";
import { accuracy, type Metric } from "./metric.ts";

const lstm = compile(`lstm(x) → h
  i = σ(Wi·x + Ui·h[t-1] + bi)
  f = σ(Wf·x + Uf·h[t-1] + bf)
  c = f∘c[t-1] + i∘tanh(Wc·x + Uc·h[t-1] + bc)
  o = σ(Wo·x + Uo·h[t-1] + bo)
  h = o∘tanh(c)`);

for (const [task, options] of [
  ["flag-recall", {}],
  ["adding", { length: 23 }],
] as const) {
  test(`${task}: training in segments is training on the whole, up to the order of sums`, async () => {
    const dataset = findTask(task)!.dataset({ batch: 6, seed: 2, options });
    const run = (segment: number) => train(lstm, dataset, { H: 8, steps: 25, seed: 4, segment, validateEvery: 0 });
    const whole = await run(0);
    for (const segment of [1, 4, 5]) {
      const parts = await run(segment);
      for (let i = 0; i < 25; i++) expect(parts.result.losses[i]).toBeCloseTo(whole.result.losses[i], 4);
      const worst = whole.parameters.reduce((most, value, i) => Math.max(most, Math.abs(value - parts.parameters[i])), 0);
      expect(worst).toBeLessThan(2e-3);
    }
  });
}

test("validation goes in the same segments: the loss and metrics of the whole, up to the order of sums", async () => {
  const task = findTask("flag-recall")!;
  const dataset = task.dataset({ batch: 6, seed: 2 });
  const metrics: Metric[] = [
    accuracy("ŷ", (batch) => batch.inputs.y as Int32Array),
    { name: "mean of h", outputs: ["h", "ŷ"], measure: (batch, { h }) => ({ total: sumOf(h.data), count: batch.steps * batch.batch }) },
  ];
  const sumOf = (data: ArrayLike<number>): number => Array.from(data).reduce((a, b) => a + b, 0);
  const text = compile(`${lstm.source.text}\n\nmodel(x, y) → ŷ\n  h = lstm(x)\n  ŷ = Wy·h + by\n  loss = cross_entropy(ŷ, y)`);
  const validations = async (segment: number) =>
    (await train(text, dataset, { H: 8, steps: 4, seed: 4, segment, validateEvery: 2, validationBatches: 3, metrics, keepBest: false })).result
      .validations;
  const whole = await validations(0);
  const parts = await validations(3);
  expect(whole).toHaveLength(2);
  for (const [i, { step, loss, metrics: measured }] of parts.entries()) {
    expect(step).toBe(whole[i].step);
    expect(loss).toBeCloseTo(whole[i].loss, 5);
    expect(measured.accuracy).toBe(whole[i].metrics.accuracy);
    expect(measured["mean of h"]).toBeCloseTo(whole[i].metrics["mean of h"], 5);
  }
});

test("memory is that of a segment, whatever the length of a batch, validation included", async () => {
  const bytes = async (length: number, segment: number): Promise<number> => {
    let most = 0;
    const dataset = findTask("adding")!.dataset({ batch: 2, seed: 2, options: { length } });
    const Memory = WebAssembly.Memory;
    try {
      WebAssembly.Memory = class extends Memory {
        constructor(descriptor: WebAssembly.MemoryDescriptor) {
          super(descriptor);
          most = Math.max(most, 65536 * descriptor.initial);
        }
      };
      await train(lstm, dataset, { H: 16, steps: 1, seed: 1, segment, validateEvery: 1, validationBatches: 1 });
    } finally {
      WebAssembly.Memory = Memory;
    }
    return most;
  };
  expect(await bytes(4000, 64)).toBeLessThan((await bytes(4000, 0)) / 20);
});
