/**
 * A finite set of sequences of different lengths as batches.
 *
 * In: sequences (arrays by input name, [steps + lookAhead, size], and where their loss counts). Out: a training source that shuffles by seed in each pass
 * and puts sequences of like length together, and an evaluation source in a fixed order. Rows are padded with zeros to the longest of their batch; a
 * batch that is not full has filler rows of length 0. Both are pure functions of the step.
 */
import { SluiceError } from "../../support/diagnostic.ts";
import { createRandom, derive } from "../../support/random.ts";
import { requireWhole } from "./checks.ts";
import type { Batch, BatchSource, Dataset } from "./dataset.ts";
import { remember } from "./streams.ts";

export interface Sequence {
  readonly steps: number;
  /** Every array of a sequence has the same number of steps, at least `steps`; what is more is look-ahead. */
  readonly inputs: Readonly<Record<string, Float32Array | Int32Array>>;
  /** [steps] 1 where the loss counts; absent: everywhere. */
  readonly lossMask?: Float32Array;
}

export interface SequenceOptions {
  readonly batch: number;
  readonly seed: number;
  /** Extra steps that every array holds. */
  readonly lookAhead: number;
}

/** Batches within whose number sequences are sorted by length: more saves padding, fewer mixes better. */
const BUCKET_BATCHES = 16;

/** Training source: each pass has every sequence once, in a seeded order; buckets of like length, batches in random order. */
export function trainingBatches(sequences: readonly Sequence[], inputs: Dataset["inputs"], options: SequenceOptions): BatchSource {
  const { batch, seed } = options;
  const orderOf = remember((pass: number) => {
    const random = createRandom(derive(seed, "pass", pass));
    const order = random.shuffle(sequences.map((_, index) => index));
    const batches: number[][] = [];
    for (let start = 0; start < order.length; start += batch * BUCKET_BATCHES) {
      const bucket = order.slice(start, start + batch * BUCKET_BATCHES).sort((a, b) => sequences[a].steps - sequences[b].steps);
      for (let at = 0; at < bucket.length; at += batch) batches.push(bucket.slice(at, at + batch));
    }
    return random.shuffle(batches);
  });
  return source(sequences, inputs, options, orderOf);
}

/** Evaluation source: every sequence once, by length (equal lengths in the given order); `rows` says which is where. */
export function evaluationBatches(sequences: readonly Sequence[], inputs: Dataset["inputs"], options: Omit<SequenceOptions, "seed">): BatchSource {
  const order = sequences.map((_, index) => index).sort((a, b) => sequences[a].steps - sequences[b].steps || a - b);
  const batches: number[][] = [];
  for (let at = 0; at < order.length; at += options.batch) batches.push(order.slice(at, at + options.batch));
  return source(sequences, inputs, options, () => batches);
}

function source(
  sequences: readonly Sequence[],
  inputs: Dataset["inputs"],
  { batch, lookAhead }: Omit<SequenceOptions, "seed">,
  batchesOf: (pass: number) => readonly (readonly number[])[],
): BatchSource {
  requireWhole("batch", batch, 1);
  if (sequences.length === 0) throw new SluiceError("E412", "a part of the data holds no sequences; give it at least one, or leave the part out");
  const batchesPerPass = Math.ceil(sequences.length / batch);
  return {
    batch,
    capacity: sequences.reduce((most, { steps }) => Math.max(most, steps), 0),
    batchesPerPass,
    batchAt: (step) => {
      const rows = batchesOf(Math.floor(step / batchesPerPass))[step % batchesPerPass];
      return packSequences(
        rows.map((row) => sequences[row]),
        inputs,
        { batch, lookAhead, rows },
      );
    },
  };
}

/** One batch of at most `batch` sequences, padded with zeros; missing rows have length 0. */
export function packSequences(
  sequences: readonly Sequence[],
  inputs: Dataset["inputs"],
  { batch, lookAhead, rows }: { readonly batch: number; readonly lookAhead: number; readonly rows?: readonly number[] },
): Batch {
  const steps = sequences.reduce((most, sequence) => Math.max(most, sequence.steps), 1);
  const lossMask = new Float32Array(steps * batch);
  const lengths = new Int32Array(batch);
  sequences.forEach((sequence, row) => {
    lengths[row] = sequence.steps;
    for (let t = 0; t < sequence.steps; t++) lossMask[t * batch + row] = sequence.lossMask ? sequence.lossMask[t] : 1;
  });
  const packed: Record<string, Float32Array | Int32Array> = {};
  for (const [name, { type, size }] of Object.entries(inputs)) {
    const width = type === "real" ? size : 1;
    const length = (steps + lookAhead) * batch * width;
    const values = type === "real" ? new Float32Array(length) : new Int32Array(length);
    sequences.forEach((sequence, row) => {
      const from = sequence.inputs[name];
      const held = Math.min(from.length / width, sequence.steps + lookAhead);
      for (let t = 0; t < held; t++) {
        for (let k = 0; k < width; k++) values[(t * batch + row) * width + k] = from[t * width + k];
      }
    });
    packed[name] = values;
  }
  const which = rows && Int32Array.from({ length: batch }, (_, row) => rows[row] ?? -1);
  return { steps, batch, inputs: packed, ...(which && { rows: which }), lengths, lossMask, carry: false };
}
