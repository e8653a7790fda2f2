import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { SluiceError } from "../../support/diagnostic.ts";
import type { Batch, BatchSource, DatasetRecord } from "./dataset.ts";
import { jsonLinesDataset, readNumberedSequences, readSequences, type SequencesRecord } from "./jsonl.ts";
import { labelledDataset } from "./labelled.ts";
import { pianoRollDataset } from "./pianoroll.ts";
import { sequenceFileDataset } from "./sequence-file.ts";
import { divide } from "./sequences.ts";

const shared = (path: string) => new URL(`../../../../shared/data/${path}`, import.meta.url);
const unzipped = (path: string) => JSON.parse(gunzipSync(readFileSync(shared(path))).toString("utf8")) as Record<string, never>;

function message(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof SluiceError) return `${error.code} ${error.message}`;
    throw error;
  }
  throw new Error("expected a SluiceError");
}

function* passOf(source: BatchSource): Generator<Batch> {
  for (let step = 0; step < source.batchesPerPass!; step++) yield source.batchAt(step);
}

test("JSON lines: vectors, indices, texts and classes become inputs, with the loss where the target is", () => {
  const lines = [
    '{"x": [[0.5, 1], [2, 3]], "k": [0, 4], "word": ["a", "b"], "y": "walk"}',
    "",
    '{"x": [[4, 5], [6, 7], [8, 9]], "k": [1, 2, 3], "word": ["b", "b", "a"], "y": "rest"}',
  ].join("\n");
  const dataset = jsonLinesDataset({ train: lines }, { batch: 3 });
  expect(dataset.inputs).toEqual({
    x: { type: "real", size: 2 },
    k: { type: "index", size: 5 },
    word: { type: "index", size: 2 },
    y: { type: "index", size: 2 },
  });
  expect([dataset.valid, dataset.test]).toEqual([undefined, undefined]);
  const { inputs, lengths, lossMask, steps, rows } = dataset.train.batchAt(0);
  expect([steps, [...rows!], [...lengths!]]).toEqual([3, [0, 1, -1], [2, 3, 0]]);
  expect([...inputs.x]).toEqual([0.5, 1, 4, 5, 0, 0, 2, 3, 6, 7, 0, 0, 0, 0, 8, 9, 0, 0]);
  expect([...inputs.k]).toEqual([0, 1, 0, 4, 2, 0, 0, 3, 0]);
  expect([...inputs.word]).toEqual([0, 1, 0, 1, 1, 0, 0, 0, 0]);
  expect([...inputs.y]).toEqual([1, 0, 0, 1, 0, 0, 0, 0, 0]);
  expect([...lossMask!]).toEqual([0, 0, 0, 1, 0, 0, 0, 1, 0]);
  const record = JSON.parse(JSON.stringify(dataset.record)) as Extract<DatasetRecord, { kind: "sequences" }>;
  const [fresh] = readSequences(record, '{"x": [[1, 2]], "k": [4], "word": ["b"]}');
  expect(fresh).toEqual({
    steps: 1,
    inputs: { x: Float32Array.of(1, 2), k: Int32Array.of(4), word: Int32Array.of(1) },
    lossMask: Float32Array.of(1),
  });
  expect(message(() => readSequences(record, '{"x": [[1, 2]], "k": [5], "word": ["b"]}'))).toContain(
    "is 5, but a whole number from 0 to 4 is needed",
  );
  const real = jsonLinesDataset('{"x":[1,2],"y":[0.5,1]}\n{"x":[3],"y":[2]}\n{"x":[3],"y":[2]}', { types: { x: "real" } });
  expect(real.inputs).toEqual({ x: { type: "real", size: 1 }, y: { type: "real", size: 1 } });
  expect(
    [...passOf(real.train), ...passOf(real.valid!), ...passOf(real.test!)]
      .flatMap(({ lengths: held }) => [...held!].filter((length) => length > 0))
      .sort(),
  ).toEqual([1, 1, 2]);
});

test("new lines keep their number, and are scaled as those were that a model was trained on", () => {
  const columns = [
    { mean: 1, deviation: 2 },
    { mean: 0, deviation: 1 },
  ];
  const record = { kind: "sequences", inputs: { x: { type: "real", size: 2, columns }, y: { type: "index", size: 3, perStep: false } } } as const;
  const [first, second] = readNumberedSequences(record, '\n{"x": [[5, 6]]}\n\n{"x": [[1, 0], [3, 1]], "y": 2}\n');
  expect([first.line, second.line]).toEqual([2, 4]);
  expect(first.sequence.inputs).toEqual({ x: Float32Array.of(2, 6) });
  expect(second.sequence.inputs).toEqual({ x: Float32Array.of(0, 0, 1, 1), y: Int32Array.of(2, 2) });
  expect(message(() => readNumberedSequences(record, "\n"))).toContain("is empty");
});

test("JSON lines: every mistake names line and field", () => {
  const good = '{"x": [[1, 2], [3, 4.5]], "y": 1}';
  const bad = [
    "",
    good.slice(0, 20),
    '{"x": [[NaN, 2]], "y": 1}',
    "[1, 2]",
    '{"x": [[1, 2]]}',
    '{"x": [[1, 2]], "y": 1, "z": 2}',
    '{"x": [[1, 2], [3]], "y": 1}',
    '{"x": [], "y": 1}',
    '{"x": [1, 2], "y": 1}',
    '{"x": [[1, 2]], "y": "one"}',
    '{"x": [[1, null]], "y": 1}',
    '{"x": [[1, 1e300]], "y": 1}',
    '{"x": [[1, 1e999]], "y": 1}',
  ];
  expect(
    bad.map((line) => message(() => jsonLinesDataset({ train: line === "" ? "" : `${good}\n${line}` }, { file: "d.jsonl" }))).join("\n"),
  ).toMatchSnapshot();
  expect(message(() => jsonLinesDataset({ train: '{"y": 1}' }))).toContain("no field with a list of time steps");
  expect(message(() => jsonLinesDataset({ train: '{"x": [1, 2], "z": [1]}' }))).toContain("x has 2 time steps, but z has 1");
  expect(message(() => jsonLinesDataset({ train: '{"x": {"a": 1}, "z": [1]}' }))).toContain("cannot be read");
  expect(message(() => jsonLinesDataset({ train: good }, { types: { X: "real" } }))).toContain("no field X; did you mean x?");
  expect(message(() => jsonLinesDataset(good))).toContain("too few for 3 parts");
});

test("a file of sequences is read by what it holds", () => {
  const kinds = [
    '{"splits": {"train": [[[60]]]}}',
    '{"features": 1, "classes": 2, "splits": {"train": [{"x": [[1]], "y": 1}, {"x": [[2]], "y": 0}]}}',
    '{"x": ["splits"]}\n{"x": ["b"]}\n{"x": ["b"]}',
  ].map((text) => sequenceFileDataset(text).inputs.x);
  expect(kinds).toEqual([
    { type: "real", size: 88 },
    { type: "real", size: 1 },
    { type: "index", size: 2 },
  ]);
  expect(message(() => sequenceFileDataset('{"splits": '))).toContain("E430");
  const record = labelledDataset(JSON.parse('{"features": 1, "classes": 2, "splits": {"train": [{"x": [[1]], "y": 1}, {"x": [[3]], "y": 0}]}}'), {
    valid: 0,
  }).record as SequencesRecord;
  const other = labelledDataset(JSON.parse('{"features": 1, "classes": 2, "splits": {"train": [{"x": [[7]], "y": 1}]}}'), {
    valid: 0,
    record,
    batch: 1,
  });
  expect([...other.train.batchAt(0).inputs.x]).toEqual([5]);
});

test("any text is a set of sequences or a SluiceError, never another failure", () => {
  const value = fc.oneof(
    fc.json({ maxDepth: 3 }),
    fc.constantFrom("[[1,2]]", "[[0.5,1e300]]", "[1,2]", '["a"]', "3", '"b"', "[]", "[[]]", "[null]", '[[1],"a"]', "[1,[2]]"),
  );
  const line = fc.dictionary(fc.constantFrom("x", "y", "__proto__", "constructor"), value, { maxKeys: 3 }).map(
    (fields) =>
      `{${Object.entries(fields)
        .map(([name, text]) => `"${name}":${text}`)
        .join(",")}}`,
  );
  let read = 0;
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 9, arbitrary: line }, { weight: 1, arbitrary: fc.string({ maxLength: 20 }) }), { maxLength: 3 }),
      fc.boolean(),
      (lines, repeat) => {
        try {
          const dataset = jsonLinesDataset({ train: (repeat ? [...lines, ...lines] : lines).join("\n") }, { batch: 2 });
          for (const values of Object.values(dataset.train.batchAt(0).inputs)) expect(values.every((item) => Number.isFinite(item))).toBe(true);
          read++;
        } catch (error) {
          if (!(error instanceof SluiceError)) throw error;
        }
      },
    ),
    { numRuns: 2000, seed: 1 },
  );
  expect(read).toBeGreaterThan(10);
});

test("parts by shares are disjoint, complete, seeded and never empty", () => {
  const items = Array.from({ length: 20 }, (_, i) => i);
  const parts = divide(items, { valid: 0.01, test: 0.2, seed: 1 });
  expect([parts.train.length, parts.valid.length, parts.test.length]).toEqual([15, 1, 4]);
  expect([...parts.train, ...parts.valid, ...parts.test].sort((a, b) => a - b)).toEqual(items);
  expect(divide(items, { valid: 0.01, test: 0.2, seed: 1 })).toEqual(parts);
  expect(divide(items, { valid: 0.01, test: 0.2, seed: 2 })).not.toEqual(parts);
});

test("piano roll: each step is predicted from the one before, the first from zeros; broken rolls are refused", () => {
  const roll = { lowestNote: 60, dims: 4, splits: { train: [[[60], [61, 63], []], [[62]]], valid: [[[60], [60]]] } };
  const dataset = pianoRollDataset(roll, { batch: 2 });
  const { inputs, lengths, lossMask } = dataset.train.batchAt(0);
  const row = lengths![0] === 3 ? 0 : 1;
  const at = (values: ArrayLike<number>, t: number) => Array.from({ length: 4 }, (_, k) => values[(t * 2 + row) * 4 + k]);
  expect([0, 1, 2, 3].map((t) => at(inputs.x, t))).toEqual([
    [0, 0, 0, 0],
    [1, 0, 0, 0],
    [0, 1, 0, 1],
    [0, 0, 0, 0],
  ]);
  expect([0, 1, 2].map((t) => at(inputs.y, t))).toEqual([
    [1, 0, 0, 0],
    [0, 1, 0, 1],
    [0, 0, 0, 0],
  ]);
  expect(lossMask!.reduce((sum, value) => sum + value, 0)).toBe(4);
  const skipped = pianoRollDataset({ ...roll, splits: { train: roll.splits.valid } }, { countFirst: false });
  expect([...skipped.train.batchAt(0).lossMask!].reduce((sum, value) => sum + value, 0)).toBe(1);
  const refused = (splits: unknown, extra = {}) => message(() => pianoRollDataset({ ...roll, splits, ...extra }, { file: "p.json" }));
  expect(refused({ train: [[[59]]] })).toContain("split train, piece 1, step 1: note 59 is not a whole number from 60 to 63");
  expect(refused({ train: [[60]] })).toContain("step 1 is not a list of notes");
  expect(refused({ train: [[]] })).toContain("has 0 time steps");
  expect(refused({ test: [] })).toContain("E412");
  expect(refused(undefined)).toContain("it has no splits");
  expect(refused({ train: [] }, { dims: 1.5 })).toContain("whole numbers");
});

test("labelled sequences: standardised by training, class counted at the end; broken ones are refused", () => {
  const train = Array.from({ length: 10 }, (_, i) => ({ x: Array.from({ length: 1 + (i % 3) }, (_, t) => [i + t, 7]), y: i % 2 }));
  const content = { features: 2, classes: 2, splits: { train, test: [{ x: [[0, 7]], y: 1 }] } };
  const dataset = labelledDataset(content, { batch: 4 });
  expect(dataset.notes).toEqual(["2 of 10 training sequences were set aside for validation"]);
  let sum = 0;
  let square = 0;
  let count = 0;
  for (const { inputs, lengths, lossMask, batch, steps } of passOf(dataset.train)) {
    for (let i = 0; i < steps * batch; i++) {
      const t = Math.floor(i / batch);
      const length = lengths![i % batch];
      expect(lossMask![i]).toBe(t === length - 1 ? 1 : 0);
      if (t >= length) continue;
      sum += inputs.x[2 * i];
      square += inputs.x[2 * i] ** 2;
      count++;
      expect(inputs.x[2 * i + 1]).toBe(0);
    }
  }
  expect(sum / count).toBeCloseTo(0, 5);
  expect(square / count).toBeCloseTo(1, 5);
  const refused = (item: unknown) => message(() => labelledDataset({ ...content, splits: { train: [item] } }, { valid: 0 }));
  expect(refused({ x: [[1, 2]], y: 2 })).toContain("not a class from 0 to 1");
  expect(refused({ x: [[1]], y: 0 })).toContain("frame 1 does not have 2 numbers");
  expect(refused({ x: [[1, null]], y: 0 })).toContain("E427");
  expect(refused({ x: [], y: 0 })).toContain("no frames");
});

test.skipIf(!existsSync(shared("music/jsb-chorales.json.gz")))("JSB Chorales: pieces and steps as published", () => {
  const dataset = pianoRollDataset(unzipped("music/jsb-chorales.json.gz"));
  const steps = (source: BatchSource) => [...passOf(source)].reduce((sum, { lossMask }) => sum + lossMask!.reduce((a, b) => a + b, 0), 0);
  expect([dataset.inputs.x.size, steps(dataset.train), steps(dataset.valid!), steps(dataset.test!)]).toEqual([88, 13_807, 4602, 4725]);
});

test.skipIf(!existsSync(shared("classify/japanese-vowels.json.gz")))("Japanese Vowels: sequences as published", () => {
  const dataset = labelledDataset(unzipped("classify/japanese-vowels.json.gz"), { valid: 0 });
  const count = (source: BatchSource) => [...passOf(source)].reduce((sum, { lengths }) => sum + lengths!.filter((length) => length > 0).length, 0);
  expect([dataset.inputs, count(dataset.train), count(dataset.test!), dataset.train.capacity]).toEqual([
    { x: { type: "real", size: 12 }, y: { type: "index", size: 9 } },
    270,
    370,
    26,
  ]);
});
