/** Several documents in one stream: losses and gradients are those of the documents by themselves, whatever the network reaches back to. */
import { expect, test } from "vitest";
import { compile } from "../model/compiled.ts";
import { parameterLayout } from "../model/parameters.ts";
import { createRandom } from "../support/random.ts";
import { floatBuffer } from "../runtime/executable.ts";
import { packSequences } from "./data/batching.ts";
import type { BatchSource } from "./data/dataset.ts";
import { encodeText, textDataset, type TextRecord, textSource } from "./data/text.ts";
import { createPasses } from "./passes.ts";
import { train } from "./loop.ts";

const documents = ["the cat sat", "on", "a mat.", "x", "hat and bat"];
const dataset = textDataset({ train: documents }, { window: 4, batch: 2 });
const record: TextRecord = { ...(dataset.record as TextRecord), separator: "|" };

const cells = {
  lstm: `m(token) → y
  e = E[token]
  i = σ(Wi·e + Ui·h[t-1] + bi)
  f = σ(Wf·e + Uf·h[t-1])
  c = f∘c[t-1] + i∘tanh(Wc·e + Uc·h[t-2])
  h = tanh(c) + V·e[t-1]
  y = Wy·h
  loss = cross_entropy(y, token[t+1])
  where h[0] = 0.3`,
  attention: `m(token) → y
  e = E[token] + tanh(K ∗ x)
  x = P[token]
  a[s] = softmax_s((Wq·e)·k[s])
  k = Wk·e
  y = Wy·(Σ_s a[s] * e[s])
  loss = cross_entropy(y, token[t+1])
  where s ≤ t, K : kernel 3, e ∈ ℝ^H, k ∈ ℝ^H`,
};

test.each(Object.entries(cells))("%s: a stream of documents is the documents", (_, text) => {
  const network = compile(text).network!;
  const sizes = Object.fromEntries(network.sizes.map(({ name }) => [name, name.startsWith("V") ? record.vocabulary.length : 5]));
  const { slots, count } = parameterLayout(network, sizes);
  const random = createRandom(3);
  const parameters = Float32Array.from({ length: count }, () => random.normal(0, 0.4));
  const run = (source: BatchSource): { readonly loss: number; readonly gradients: Float32Array; readonly counted: number } => {
    const index = new Map(slots.map((slot) => [slot.name, slot]));
    const passes = createPasses({
      network,
      sizes,
      slots,
      index,
      device: { device: "wasm", fused: false },
      source,
      mode: "evaluate",
      outputs: ["loss"],
      gradient: true,
    });
    passes.lane.parameters.set(parameters);
    const counted = passes.run(source.batchAt(0), 1);
    const { executable } = passes.lane;
    return { loss: floatBuffer(executable, "loss")[0], gradients: floatBuffer(executable, "gradients").slice(), counted };
  };
  const stream = run(textSource(record, documents.join("|"), { batch: 1, window: 64 }));
  const sequences = documents
    .map((document) => ({ steps: document.length - 1, inputs: { token: encodeText(record, document) } }))
    .filter(({ steps }) => steps > 0);
  const batch = packSequences(sequences, dataset.inputs, { batch: sequences.length, lookAhead: 1 });
  const alone = run({ batch: sequences.length, capacity: batch.steps, batchesPerPass: 1, batchAt: () => batch });
  expect(stream.counted).toBe(documents.join("").length - documents.length);
  expect(stream.counted).toBe(alone.counted);
  expect(stream.loss).toBeCloseTo(alone.loss, 5);
  const largest = alone.gradients.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expect(largest).toBeGreaterThan(0.01);
  alone.gradients.forEach((value, i) => {
    expect(Math.abs(stream.gradients[i] - value)).toBeLessThan(1e-5 * largest);
  });
});

test("training reads documents, also in segments", async () => {
  const long = textDataset(`${"abc".repeat(20)}|${"cab".repeat(30)}|${"bca".repeat(25)}`, { separator: "|", window: 12, batch: 3, valid: 0.2 });
  expect((long.record as TextRecord).separator).toBe("|");
  expect((long.record as TextRecord).vocabulary).toEqual(["a", "b", "c"]);
  const run = (segment: number) =>
    train(compile(cells.lstm.replace("h[t-2]", "h[t-1]")), long, { H: 6, steps: 12, seed: 2, segment, validateEvery: 0, sizes: { D: 4 } } as never);
  const [whole, parts] = [await run(0), await run(5)];
  whole.result.losses.forEach((loss, i) => expect(parts.result.losses[i]).toBeCloseTo(loss, 4));
});
