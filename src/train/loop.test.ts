import { expect, test } from "vitest";
import { compile } from "../model/compiled.ts";
import { loadModel } from "../model/model.ts";
import { createRandom, derive } from "../support/random.ts";
import type { Batch, BatchSource, Dataset } from "./data/dataset.ts";
import { evaluate } from "./evaluate.ts";
import type { TrainEvent } from "./events.ts";
import { trainEvents } from "./iterate.ts";
import { train } from "./loop.ts";
import type { TrainOptions } from "./options.ts";
import { findTask } from "./tasks/list.ts";

/** Says the sum of the last two inputs: needs one step of memory. */
function source(options: { carry?: boolean; lengths?: boolean; batchesPerPass?: number; seed?: number; scale?: number } = {}): BatchSource {
  const [batch, steps] = [3, 6];
  return {
    batch,
    capacity: steps,
    batchesPerPass: options.batchesPerPass,
    batchAt(step): Batch {
      const random = createRandom(derive(options.seed ?? 1, step));
      const x = new Float32Array(steps * batch);
      const y = new Float32Array(steps * batch);
      for (let i = 0; i < x.length; i++) x[i] = (options.scale ?? 1) * random.uniform(-1, 1);
      for (let i = 0; i < x.length; i++) y[i] = x[i] + (i >= batch ? x[i - batch] : 0);
      const lengths = options.lengths && step % 3 === 2 ? Int32Array.of(6, 2, 4) : undefined;
      return { steps, batch, inputs: { x, y }, lengths, carry: options.carry === true && step % 4 !== 0 };
    },
  };
}

function dataset(options: Parameters<typeof source>[0] = {}): Dataset {
  return {
    name: "sums of two",
    inputs: { x: { type: "real", size: 1 }, y: { type: "real", size: 1 } },
    train: source(options),
    valid: source({ ...options, seed: 2, batchesPerPass: 4 }),
    record: { kind: "task", name: "sums", options: {} },
  };
}

const rnn = compile(`
rnn(x, y) → o
  h = tanh(W*x + U·h[t-1] + b)
  o = v·h
  loss = mse(o, y)
  where x ∈ ℝ, y ∈ ℝ, W ∈ ℝ^H
`);

const devices = ["wasm", "interpreter"] as const;

test.each(devices)("learns, tells what happens in order, and gives a model: %s", async (device) => {
  const events: TrainEvent[] = [];
  const model = await train(rnn, dataset(), {
    H: 6,
    steps: 60,
    learningRate: 0.03,
    seed: 3,
    validateEvery: 30,
    device,
    onEvent: (event) => events.push(event),
  });
  expect(events.map((event) => event.kind).filter((kind) => kind !== "step")).toEqual(["start", "validation", "validation", "stopped"]);
  expect(events.filter((event) => event.kind === "step").map((event) => event.step)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
  expect(model.result.losses.length).toBe(60);
  const mean = (from: number, to: number): number => model.result.losses.slice(from, to).reduce((a, b) => a + b, 0) / (to - from);
  expect(mean(50, 60)).toBeLessThan(0.3 * mean(0, 10));
  expect(model.sizes).toEqual({ H: 6 });
  const measured = await evaluate(model, dataset().valid!);
  expect(measured.loss).toBeCloseTo(Math.min(...model.result.validations.map((validation) => validation.loss)), 6);
  expect(measured.counted).toBe(4 * 18);
  expect(loadModel(model.toBytes()).training).toMatchObject({ steps: 60, reason: "steps", dataset: "sums of two" });
});

test("the same seed gives the same bits, another seed others", async () => {
  const run = async (seed: number): Promise<Float32Array> => (await train(rnn, dataset(), { H: 4, steps: 8, seed, device: "wasm" })).parameters;
  const first = await run(1);
  expect(await run(1)).toEqual(first);
  expect(await run(2)).not.toEqual(first);
});

test.each([
  ["carried states", { carry: true }, {}],
  ["lengths that begin late", { lengths: true }, { optimizer: "adamw" as const, weightNoise: 0.05 }],
  [
    "a plateau",
    {},
    { optimizer: { kind: "sgd" as const, nesterov: true }, learningRate: { kind: "plateau" as const, rate: 0.05, factor: 0.5, patience: 1 } },
  ],
])("stopped at any step and resumed, a run ends with the bits of an uninterrupted one: %s", async (_, data, options) => {
  const settings: TrainOptions = { H: 4, steps: 13, seed: 5, validateEvery: 3, checkpointEvery: 1, device: "wasm", ...options };
  const checkpoints: Uint8Array[] = [];
  const whole = await train(rnn, dataset(data), { ...settings, saveCheckpoint: (bytes) => void checkpoints.push(bytes) });
  expect(checkpoints.length).toBe(13);
  for (const [k, resume] of checkpoints.entries()) {
    const rest = await train(rnn, dataset(data), { ...settings, resume });
    expect(rest.result.firstStep).toBe(k + 1);
    expect(rest.parameters, `resumed after step ${k + 1}`).toEqual(whole.parameters);
    expect(rest.result.losses).toEqual(whole.result.losses.slice(k + 1));
    expect(rest.result.validations).toEqual(whole.result.validations);
    expect(rest.result.checkpoint).toEqual(whole.result.checkpoint);
  }
});

test("carrying states gives the gradient of each window and the states of the one before", async () => {
  const [carried, fresh] = await Promise.all([train(rnn, dataset({ carry: true }), { H: 4, steps: 5 }), train(rnn, dataset(), { H: 4, steps: 5 })]);
  expect(carried.result.losses[0]).toBe(fresh.result.losses[0]);
  expect(carried.result.losses[1]).not.toBe(fresh.result.losses[1]);
  const restarted = await train(rnn, dataset({ carry: true }), { H: 4, steps: 5, restartEvery: 1 });
  expect(restarted.result.losses).toEqual(fresh.result.losses);
});

test("a learned first state is trained where sequences begin and carried where they go on", async () => {
  const learned = compile(rnn.source.text.replace("where ", "where h[0] = h0, "));
  const settings: TrainOptions = { H: 4, steps: 7, checkpointEvery: 1, validateEvery: 3 };
  const checkpoints: Uint8Array[] = [];
  const whole = await train(learned, dataset({ carry: true }), { ...settings, saveCheckpoint: (bytes) => void checkpoints.push(bytes) });
  expect(whole.weight("h0").data.every((value) => value !== 0)).toBe(true);
  const restarted = await train(learned, dataset(), settings);
  expect(restarted.result.losses[0]).toBe(whole.result.losses[0]);
  expect(restarted.result.losses[1]).not.toBe(whole.result.losses[1]);
  for (const resume of checkpoints) {
    const rest = await train(learned, dataset({ carry: true }), { ...settings, resume });
    expect(rest.parameters).toEqual(whole.parameters);
  }
});

test("a checkpoint of other equations, sizes or settings is refused with the difference", async () => {
  const { result } = await train(rnn, dataset(), { H: 4, steps: 2 });
  const resume = result.checkpoint;
  await expect(train(rnn, dataset(), { H: 5, steps: 4, resume })).rejects.toThrow("the checkpoint has H = 4, this run H = 5");
  await expect(train(rnn, dataset(), { H: 4, steps: 4, seed: 9, resume })).rejects.toThrow("the checkpoint was made with seed 1, this run has 9");
  const other = compile(rnn.source.text.replace("tanh", "σ"));
  await expect(train(other, dataset(), { H: 4, steps: 4, resume })).rejects.toMatchObject({ code: "E465" });
});

test("patience stops a run and the best parameters are kept", async () => {
  const model = await train(rnn, dataset(), { H: 4, steps: 400, learningRate: 0.5, validateEvery: 2, patience: 3, device: "wasm" });
  const { reason, validations, bestStep, steps } = model.result;
  expect(reason).toBe("patience");
  expect(steps).toBe(bestStep! + 6);
  const best = Math.min(...validations.map((validation) => validation.loss));
  expect((await evaluate(model, dataset().valid!)).loss).toBe(best);
});

test("an aborted run ends after its step, with a checkpoint to go on from", async () => {
  const stop = new AbortController();
  const options: TrainOptions = { H: 4, steps: 20, seed: 2, validateEvery: 0 };
  const part = await train(rnn, dataset(), { ...options, signal: stop.signal, onStep: ({ step }) => step === 7 && stop.abort() });
  expect(part.result).toMatchObject({ reason: "aborted", steps: 7 });
  const rest = await train(rnn, dataset(), { ...options, resume: part.result.checkpoint });
  expect(rest.parameters).toEqual((await train(rnn, dataset(), options)).parameters);
  const seen: string[] = [];
  for await (const event of trainEvents(rnn, dataset(), options)) {
    seen.push(event.kind);
    if (event.kind === "step" && event.step === 3) break;
  }
  expect(seen).toEqual(["start", "step", "step", "step"]);
});

test.each(devices)("a value that is not finite stops the run, is named with its place, and loses nothing: %s", async (device) => {
  const bursting = compile(`
bursting(x, y) → o
  g = 30 * x
  h = h[t-1] + exp(g∘g)
  o = v*h
  loss = mse(o, y)
  where x ∈ ℝ, y ∈ ℝ
`);
  const error = await train(bursting, dataset(), { steps: 3, device }).catch((reason) => reason);
  expect(error).toMatchObject({ code: "E464", step: 1 });
  expect(error.message).toMatch(/^the loss is (Infinity|NaN) at step 1: h is Infinity at time step \d, sequence \d, from {2}h = /);
  expect(error.message).toMatch(/\(line 4\)/);
  expect(loadModel(error.checkpoint).parameters).toEqual(error.model.parameters);
  expect(error.model.parameters.every(Number.isFinite)).toBe(true);
});

test("NaN in the data is told as such", async () => {
  const clean = source();
  const dirty = (step: number): Batch => {
    const batch = clean.batchAt(step);
    if (step === 4) batch.inputs.x[2 * batch.batch + 1] = Number.NaN;
    return batch;
  };
  const error = await train(rnn, { ...dataset(), train: { ...clean, batchAt: dirty } }, { H: 4, validateEvery: 0 }).catch((reason) => reason);
  expect(error.message).toMatch(/^the loss is NaN at step 5: the data of this step hold NaN in x, at time step 2, sequence 1\./);
});

test("a cell without a loss is made a model of the data, whose gates keep their names", async () => {
  const cell = compile("cell(x) → h\n  z = σ(Wz·x + Uz·h[t-1])\n  h = z∘h[t-1] + (1 - z)∘tanh(Wh·x)");
  const model = await train(cell, findTask("flag-recall").dataset({ batch: 4 }), { H: 4, steps: 2, validateEvery: 0 });
  expect(model.network.loss).toBe("loss");
  const { z } = model.gates(new Float32Array(5 * 12));
  expect(z.shape).toEqual([5, 4]);
});

test("what cannot be trained is refused before the first step", async () => {
  const lossless = compile("f(u, v) → y\n  y = W·u + R·v\n  where y ∈ ℝ^H");
  await expect(train(lossless, dataset())).rejects.toThrow("f reads u, v, but only a cell that reads one vector can be made a model by itself");
  await expect(train(rnn, dataset(), { H: 4, setps: 3 } as TrainOptions)).rejects.toThrow(/train has no option setps/);
  await expect(train(rnn, dataset(), { H: 4, steps: -1 })).rejects.toThrow("steps must be a whole number of at least 0, not -1");
  await expect(train(rnn, dataset(), { H: 4, learningRate: 0 })).rejects.toThrow(/learning rate/);
  await expect(train(rnn, dataset())).rejects.toThrow(/the size H has no value/);
  const { y: _, ...inputs } = dataset().inputs;
  await expect(train(rnn, { ...dataset(), inputs }, { H: 4 })).rejects.toThrow("rnn reads the input y, but sums of two gives x");
});
