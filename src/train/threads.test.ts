import { expect, test } from "vitest";
import { compile } from "../model/compiled.ts";
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
