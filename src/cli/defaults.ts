/**
 * What to begin with where the user says nothing: one table, by kind of data. Changing a number changes what `sluice train` does.
 */
import type { Network } from "../ir/network/node.ts";
import { remainderOf, type Sizes, sizeValue } from "../model/sizes.ts";
import type { Dataset } from "../train/data/dataset.ts";

/** What to begin with where the user says nothing. */
export interface Defaults {
  readonly hidden: number;
  /** Width of an embedding. */
  readonly embedding: number;
  readonly batch: number;
  readonly window: number;
  readonly steps: number;
  readonly learningRate: number;
  readonly schedule: "constant" | "cosine";
  readonly clip: number;
  /** Validations without improvement after which a run stops; 0: never. */
  readonly patience: number;
}

export type DataKind = "character" | "word" | "table" | "sequences" | "task";

const DEFAULTS: Readonly<Record<DataKind, Defaults>> = {
  character: { hidden: 256, embedding: 64, batch: 32, window: 96, steps: 2000, learningRate: 4e-3, schedule: "cosine", clip: 1, patience: 0 },
  word: { hidden: 256, embedding: 128, batch: 32, window: 48, steps: 4000, learningRate: 3e-3, schedule: "cosine", clip: 1, patience: 0 },
  table: { hidden: 32, embedding: 16, batch: 32, window: 48, steps: 1500, learningRate: 4e-3, schedule: "cosine", clip: 1, patience: 0 },
  sequences: { hidden: 48, embedding: 16, batch: 16, window: 64, steps: 3000, learningRate: 3e-3, schedule: "cosine", clip: 1, patience: 8 },
  task: { hidden: 24, embedding: 16, batch: 32, window: 50, steps: 1500, learningRate: 1e-2, schedule: "cosine", clip: 1, patience: 0 },
};

/** Defaults for a kind of data. */
export function defaultsFor(kind: DataKind): Defaults {
  return DEFAULTS[kind];
}

/** Where each kind of dataset finds its defaults. */
export function kindOf(dataset: Pick<Dataset, "record">): DataKind {
  const { record } = dataset;
  return record.kind === "text" ? record.unit : record.kind;
}

/** Sizes where nothing would be left of a whole (`y = concat(f, b)` makes b of H - H2) become equal shares of it. `open`: those that may change. */
export function withEqualShares(network: Network, sizes: Sizes, open: readonly string[]): Sizes {
  const shared: Record<string, number> = { ...sizes };
  for (const size of [...network.weights, ...network.values].flatMap((each) => each.shape)) {
    const parts = remainderOf(size);
    if (!parts || (sizeValue(size, shared) ?? 1) >= 1 || !parts.others.every((name) => open.includes(name))) continue;
    for (const name of parts.others) shared[name] = Math.max(1, Math.floor(shared[parts.whole] / (parts.others.length + 1)));
  }
  return shared;
}
