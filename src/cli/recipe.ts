/**
 * Defaults that work: for a subject and a dataset, the model to train and how.
 *
 * In: what the user named and the options given. Out: compiled equations with a loss (a bare cell is made a model), sizes, settings of training. Every
 * choice that was not the user's can be printed.
 */
import type { Network } from "../ir/network/node.ts";
import { type Compiled, networkOf } from "../model/compiled.ts";
import { sizesForInputs } from "../model/sizes.ts";
import { SluiceError } from "../support/diagnostic.ts";
import type { Dataset } from "../train/data/dataset.ts";
import { forecastError } from "../train/data/table.ts";
import { accuracy, type Metric } from "../train/metric.ts";
import type { OptimizerOptions } from "../train/optimizer.ts";
import type { TrainSettings } from "../train/options.ts";
import { isSolved, type Score, scoreMetric } from "../train/tasks/score.ts";
import { hasBinaryTarget, isWholeModel, wrapCell } from "../train/wrap-cell.ts";
import type { OpenedData } from "./dataset-options.ts";
import { defaultsFor, kindOf, withEqualShares } from "./defaults.ts";
import { compileText, requireCompiled } from "./subject.ts";

export interface RecipeFlags {
  readonly hidden?: number;
  readonly size?: Readonly<Record<string, number>>;
  readonly layers?: number;
  readonly dropout?: number;
  readonly block?: string;
}

/** How to train, as far as the user says. */
export interface SettingsFlags {
  readonly steps?: number;
  readonly rate?: number;
  readonly schedule?: "constant" | "cosine";
  readonly optimizer?: OptimizerOptions["kind"];
  readonly clip?: number;
  readonly seed?: number;
  readonly patience?: number;
  readonly weightNoise?: number;
}

export interface Recipe {
  readonly compiled: Compiled;
  readonly network: Network;
  readonly sizes: Readonly<Record<string, number>>;
  /** True if the model block was written around a bare cell. */
  readonly wrapped: boolean;
  /** Measured at each validation beside the loss. */
  readonly metrics: readonly Metric[];
  /** Name of the value that answers. */
  readonly answer: string;
}

/** The model to train on a dataset. @throws SluiceError with a report, E488, or those of sizes */
export function recipeFor(subject: string, data: OpenedData, flags: RecipeFlags): Recipe {
  const { dataset, task } = data;
  let compiled = requireCompiled(subject, flags.block);
  let network = networkOf(compiled);
  const wrapped = !isWholeModel(network);
  if (wrapped) {
    const target = hasBinaryTarget(dataset) ? "binary" : "number";
    const text = wrapCell(compiled.source.text, network, dataset.inputs, { layers: flags.layers, dropout: flags.dropout, target });
    compiled = compileText({ name: compiled.source.name, text });
    network = networkOf(compiled);
  } else if (flags.layers !== undefined || flags.dropout !== undefined) {
    throw new SluiceError("E490", `${network.name} is a whole model, so --layers and --dropout have no place to act; write them in its equations`);
  }
  const score = task?.score(dataset.record.kind === "task" ? dataset.record.options : undefined);
  const answer = answerOf(network, score);
  return { compiled, network, sizes: sizesFor(network, dataset, flags), wrapped, metrics: metricsFor(dataset, network, answer, score), answer };
}

/** Heads, experts and other counts, unless said. */
const USUAL_COUNT = 4;

/** Sizes: the user's, those that the data fix, and defaults for the rest. */
function sizesFor(network: Network, dataset: Dataset, flags: RecipeFlags): Readonly<Record<string, number>> {
  const defaults = defaultsFor(kindOf(dataset));
  const given: Record<string, number> = { ...flags.size };
  const free = network.sizes.filter((size) => size.free && size.value === undefined).map((size) => size.name);
  const hidden = flags.hidden ?? defaults.hidden;
  if (flags.hidden !== undefined && free.includes("H")) given.H ??= hidden;
  const fixed = sizesForInputs(network, given, dataset.inputs) as Record<string, number>;
  const open = free.filter((name) => fixed[name] === undefined);
  if (flags.hidden !== undefined && !free.includes("H") && open.length === 0) {
    throw new SluiceError("E490", `${network.name} has no free size for --hidden; its sizes are ${Object.keys(fixed).join(", ") || "none"}`);
  }
  const embeddings = new Set(
    network.weights.filter((weight) => weight.role === "embedding").flatMap((weight) => weight.shape.slice(1).flatMap(sizeNames)),
  );
  const counted = new Set(network.indices.flatMap((index) => (index.kind === "count" && index.size ? sizeNames(index.size) : [])));
  const usual = (name: string): number => {
    if (counted.has(name)) return USUAL_COUNT;
    // With heads, what each holds is a part of the whole.
    if (counted.size > 0 && !embeddings.has(name) && name !== "H" && name !== "D") return Math.max(1, Math.round(hidden / USUAL_COUNT));
    return embeddings.has(name) && name !== "H" ? defaults.embedding : hidden;
  };
  const sizes = Object.fromEntries([...Object.entries(given), ...open.map((name): [string, number] => [name, usual(name)])]);
  const shared = withEqualShares(network, { ...fixed, ...sizes }, open);
  return Object.fromEntries(Object.keys(sizes).map((name) => [name, shared[name]]));
}

function sizeNames(size: { readonly terms: readonly { readonly names: readonly string[] }[] }): string[] {
  return size.terms.flatMap((term) => [...term.names]);
}

/** The value that answers: the output that a task's score can read, else the first output. */
function answerOf(network: Network, score: Score | undefined): string {
  if (score?.measure !== "class" && network.outputs.includes("p")) return "p";
  return network.outputs[0];
}

/** A task's own score; the share of right classes where the target is a class. */
export function metricsFor(dataset: Dataset, network: Network, answer: string, score?: Score): readonly Metric[] {
  if (!network.outputs.includes(answer)) return [];
  if (score !== undefined) return [scoreMetric(score, answer)];
  const { record } = dataset;
  if (record.kind === "table") return [forecastError(record, answer)];
  if (dataset.inputs.y?.type === "index") return [accuracy(answer, (batch) => batch.inputs.y)];
  return [];
}

/** Settings of training from the options given, with defaults for the rest. */
export function settingsFor(dataset: Dataset, flags: SettingsFlags): TrainSettings & { readonly steps: number; readonly seed: number } {
  const defaults = defaultsFor(kindOf(dataset));
  const rate = flags.rate ?? defaults.learningRate;
  const steps = flags.steps ?? defaults.steps;
  const schedule = flags.schedule ?? defaults.schedule;
  const patience = flags.patience ?? defaults.patience;
  return {
    steps,
    seed: flags.seed ?? 1,
    optimizer: flags.optimizer ?? "adam",
    learningRate: schedule === "cosine" ? { kind: "cosine", rate, final: rate / 20, warmUp: Math.min(100, Math.ceil(steps / 20)) } : rate,
    clip: flags.clip ?? defaults.clip,
    weightNoise: flags.weightNoise ?? 0,
    ...(patience > 0 && { patience }),
  };
}

/** True if a measured score counts as having solved the task. */
export function solved(data: OpenedData, metrics: Readonly<Record<string, number>>): boolean | undefined {
  const record = data.dataset.record;
  if (data.task === undefined || record.kind !== "task") return undefined;
  const value = Object.values(metrics)[0];
  return value === undefined ? undefined : isSolved(data.task.score(record.options), value);
}
