/**
 * Sequences with one class each as a dataset: read the frames, say the class at the end.
 *
 * In: JSON of the form `{features, classes, splits: {train, test}}` with items `{x: [frame, …], y: class}`. Out: real input "x", each feature
 * standardised by the training frames, and index target "y", the class at every step; the loss counts at the last step of a sequence only.
 * Without a valid split, part of the training sequences is set aside by seed.
 */
import { SluiceError } from "../../support/diagnostic.ts";
import { isNamed } from "../../support/options.ts";
import type { Sequence } from "./batching.ts";
import type { Dataset } from "./dataset.ts";
import type { SequencesRecord } from "./jsonl.ts";
import { type Moments, moments } from "./scaling.ts";
import { divide, sequenceDataset } from "./sequences.ts";

export interface LabelledOptions {
  readonly name?: string;
  readonly file?: string;
  /** Default 32. */
  readonly batch?: number;
  readonly seed?: number;
  /** Share of the training sequences set aside where there is no valid split; default 0.15. */
  readonly valid?: number;
  /** Default true. */
  readonly standardise?: boolean;
  /** That of a model already trained: its scaling is kept. */
  readonly record?: SequencesRecord;
}

interface Item {
  readonly frames: readonly (readonly number[])[];
  readonly label: number;
}

/** @throws SluiceError E434 (another form), E427 (not finite), E412 (no sequences) */
export function labelledDataset(content: unknown, options: LabelledOptions = {}): Dataset {
  const { file = "the sequences", batch = 32, seed = 1, valid = 0.15, standardise = true } = options;
  const wrong = (problem: string) =>
    new SluiceError("E434", `${file}: ${problem}; the form is {"features": 2, "classes": 3, "splits": {"train": [{"x": [[0.1, 0.2]], "y": 0}]}}`);
  if (!isNamed(content) || !isNamed(content.splits)) throw wrong("it has no splits");
  const { splits, features, classes, name } = content;
  if (!isPositive(features) || !isPositive(classes)) throw wrong("features and classes have to be whole numbers, at least 1");
  const read = (split: string): Item[] => {
    const items = splits[split] ?? [];
    if (!Array.isArray(items)) throw wrong(`split ${split} is not a list`);
    return items.map((item, index) => readItem(item, { where: `split ${split}, item ${index + 1}`, features, classes, file, wrong }));
  };
  const given = { train: read("train"), valid: read("valid"), test: read("test") };
  if (given.train.length === 0)
    throw new SluiceError("E412", `${file} has no sequences to train on; its splits are ${Object.keys(splits).join(", ") || "missing"}`);
  const set = given.valid.length > 0 || valid === 0 ? given : { ...divide(given.train, { valid, test: 0, seed }), test: given.test };
  const known = (options.record?.inputs.x as { columns?: readonly Moments[] } | undefined)?.columns;
  const columns = known ?? (standardise ? momentsOf(set.train, features) : Array.from({ length: features }, () => ({ mean: 0, deviation: 1 })));
  const encode = ({ frames, label }: Item): Sequence => {
    const steps = frames.length;
    const x = Float32Array.from({ length: steps * features }, (_, i) => {
      const k = i % features;
      return (frames[(i - k) / features][k] - columns[k].mean) / columns[k].deviation;
    });
    return { steps, inputs: { x, y: new Int32Array(steps).fill(label) }, lossMask: new Float32Array(steps).fill(1, steps - 1) };
  };
  const notes = set.valid !== given.valid ? [`${set.valid.length} of ${given.train.length} training sequences were set aside for validation`] : [];
  return sequenceDataset(
    { train: set.train.map(encode), valid: set.valid.map(encode), test: set.test.map(encode) },
    {
      name: options.name ?? (typeof name === "string" ? name : file),
      inputs: { x: { type: "real", size: features }, y: { type: "index", size: classes } },
      record: { kind: "sequences", inputs: { x: { type: "real", size: features, columns }, y: { type: "index", size: classes, perStep: false } } },
      notes,
    },
    { batch, seed, lookAhead: 0 },
  );
}

function readItem(
  item: unknown,
  context: { where: string; features: number; classes: number; file: string; wrong: (problem: string) => SluiceError },
): Item {
  const { where, features, classes, file, wrong } = context;
  if (!isNamed(item) || !Array.isArray(item.x)) throw wrong(`${where} has no list of frames x`);
  const { x: frames, y: label } = item;
  if (!Number.isInteger(label) || (label as number) < 0 || (label as number) >= classes) {
    throw wrong(`${where} has y = ${JSON.stringify(label)}, which is not a class from 0 to ${classes - 1}`);
  }
  if (frames.length === 0) throw wrong(`${where} has no frames`);
  frames.forEach((frame: unknown, t: number) => {
    if (!Array.isArray(frame) || frame.length !== features) throw wrong(`${where}, frame ${t + 1} does not have ${features} numbers`);
    const bad = frame.findIndex((value) => typeof value !== "number" || !Number.isFinite(value));
    if (bad !== -1) {
      const cure = "correct it, or leave the sequence out";
      throw new SluiceError(
        "E427",
        `${file}: ${where}, frame ${t + 1}, feature ${bad + 1} is ${JSON.stringify(frame[bad])}, not a finite number; ${cure}`,
      );
    }
  });
  return { frames, label: label as number };
}

/** Those of each feature over all frames. */
function momentsOf(items: readonly Item[], features: number): Moments[] {
  const frames = items.flatMap((item) => item.frames);
  return Array.from({ length: features }, (_, k) => moments(frames.map((frame) => frame[k])));
}

function isPositive(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1;
}
