/**
 * What every reader of finite sets of sequences shares: parts by shares, and the dataset made from them.
 */
import { SluiceError } from "../../support/diagnostic.ts";
import { createRandom, derive } from "../../support/random.ts";
import { evaluationBatches, trainingBatches, type Sequence } from "./batching.ts";
import { requireBetween } from "./checks.ts";
import type { Dataset, DatasetRecord } from "./dataset.ts";

export interface SequenceParts {
  readonly train: readonly Sequence[];
  readonly valid: readonly Sequence[];
  readonly test: readonly Sequence[];
}

/** A dataset of sequences: shuffled batches of like length for training, fixed ones for validation and test (left out where empty). */
export function sequenceDataset(
  parts: SequenceParts,
  dataset: { readonly name: string; readonly inputs: Dataset["inputs"]; readonly record: DatasetRecord; readonly notes?: readonly string[] },
  options: { readonly batch: number; readonly seed: number; readonly lookAhead: number },
): Dataset {
  const { notes, ...rest } = dataset;
  return {
    ...rest,
    train: trainingBatches(parts.train, dataset.inputs, options),
    ...(parts.valid.length > 0 && { valid: evaluationBatches(parts.valid, dataset.inputs, options) }),
    ...(parts.test.length > 0 && { test: evaluationBatches(parts.test, dataset.inputs, options) }),
    ...(notes && notes.length > 0 && { notes }),
  };
}

/**
 * Divides a set at random by seed; every part with a share gets at least one sequence.
 * @throws SluiceError E412 if there are fewer sequences than parts, E407 for shares out of range
 */
export function divide<Item>(
  items: readonly Item[],
  { valid, test, seed }: { readonly valid: number; readonly test: number; readonly seed: number },
) {
  requireBetween("valid", valid, 0, 0.9);
  requireBetween("test", test, 0, 0.9);
  requireBetween("valid + test", valid + test, 0, 0.95);
  const parts = 1 + (valid > 0 ? 1 : 0) + (test > 0 ? 1 : 0);
  if (items.length < parts) {
    throw new SluiceError("E412", `there are ${items.length} sequences, too few for ${parts} parts; give more, or set valid and test to 0`);
  }
  const order = createRandom(derive(seed, "divide")).shuffle(items.map((_, index) => index));
  const size = (share: number) => (share > 0 ? Math.max(1, Math.round(items.length * share)) : 0);
  const testCount = size(test);
  const validCount = Math.min(size(valid), items.length - testCount - 1);
  const take = (from: number, to: number) =>
    order
      .slice(from, to)
      .sort((a, b) => a - b)
      .map((index) => items[index]);
  return {
    valid: take(0, validCount),
    test: take(validCount, validCount + testCount),
    train: take(validCount + testCount, items.length),
  };
}
