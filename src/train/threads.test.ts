/** Threads of a training: the same bits whatever their number, memory that leaves with the model, and an end when one of them is stopped. */
import { syncBuiltinESMExports } from "node:module";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import workers from "node:worker_threads";
import { expect, test } from "vitest";
import { compile } from "../model/compiled.ts";
import { threadsFor } from "../runtime/wasm/threads.ts";
import { findTask } from "./tasks/list.ts";
import { train } from "./loop.ts";

const cells = {
  lstm: `cell(x) → h
  i = σ(Wi·x + Ui·h[t-1] + bi)
  f = σ(Wf·x + Uf·h[t-1] + bf)
  c = f∘c[t-1] + i∘tanh(Wc·x + Uc·h[t-1])
  h = dropout(σ(Wo·x + Uo·h[t-1])∘tanh(c), 0.1)`,
  scan: `cell(x) → h
  z = σ(Wz·x)
  h = (1 - z)∘h[t-1] + z∘(Wh·x)`,
};

for (const [name, text] of Object.entries(cells)) {
  test(`${name}: the same losses and parameters to the bit from one, two and three threads`, async () => {
    const dataset = findTask("flag-recall")!.dataset({ batch: 7, seed: 5 });
    const run = (threads: number) => train(compile(text), dataset, { H: 9, steps: 30, seed: 3, threads, validateEvery: 0 });
    const [one, two, three] = [await run(1), await run(2), await run(3)];
    for (const other of [two, three]) {
      expect(other.result.losses).toEqual(one.result.losses);
      expect(Float32Array.from(other.parameters)).toEqual(Float32Array.from(one.parameters));
    }
    expect(new Set(one.result.losses).size).toBe(30);
  });
}

/** The workers that were started. */
const started: workers.Worker[] = [];
const { Worker: Plain } = workers;
workers.Worker = class extends Plain {
  constructor(...args: ConstructorParameters<typeof Plain>) {
    super(...args);
    started.push(this);
  }
};
syncBuiltinESMExports();

const dataset = findTask("adding")!.dataset({ batch: 32, seed: 5, options: { length: 200 } });
const options = { H: 64, steps: 1, validateEvery: 0 };

test("the memory of a training leaves with it, in every thread", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const lstm = compile("cell(x) → h\n  h = lstm(x)");
  let size = 0;
  const after = async (): Promise<number> => {
    await train(lstm, dataset, { ...options, threads: 2, onEvent: (event) => void (size = event.kind === "start" ? event.memoryBytes : size) });
    for (let i = 0; i < 2; i++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return process.memoryUsage().rss;
  };
  await after();
  const settled = await after();
  let last = settled;
  for (let i = 0; i < 5; i++) last = await after();
  expect(size).toBeGreaterThan(15 * 2 ** 20);
  expect(last - settled).toBeLessThan(2.5 * size);
});

test("a training whose thread is stopped ends with an error in finite time, and the next one has new threads", { timeout: 10_000 }, async () => {
  const cell = compile(cells.scan);
  const stopping = train(cell, dataset, {
    ...options,
    H: 8,
    steps: 1000,
    threads: 4,
    onStep: ({ step }) => void (step === 3 && started.at(-1)!.terminate()),
  });
  await expect(stopping).rejects.toMatchObject({ code: "E475", message: expect.stringMatching(/stopped from outside; begin anew/) });
  const again = await train(cell, dataset, { ...options, H: 8, steps: 5, threads: 4 });
  const alone = await train(cell, dataset, { ...options, H: 8, steps: 5 });
  expect(again.result.losses).toEqual(alone.result.losses);
});

test("where memory cannot be shared one thread does it, with a remark; a count that makes no sense is an error", async () => {
  const { SharedArrayBuffer: shared } = globalThis;
  try {
    Object.assign(globalThis, { SharedArrayBuffer: undefined });
    const told: unknown[] = [];
    await train(compile(cells.scan), dataset, {
      ...options,
      H: 8,
      threads: 2,
      onEvent: (event) => void (event.kind === "start" && told.push(event)),
    });
    expect(told).toMatchObject([
      { threads: 1, remark: expect.stringMatching(/^one thread instead of 2, with the same results: .*not cross-origin isolated/) },
    ]);
    await expect(threadsFor(65)).rejects.toMatchObject({ code: "E475" });
  } finally {
    Object.assign(globalThis, { SharedArrayBuffer: shared });
  }
});
