/**
 * `sluice eval MODEL`: measures a trained model on data: loss, and what is measured in its field.
 *
 * A text is measured on its held-out part, as in training, or with `--part all` as a whole.
 */
import { counted, figure, grouped } from "../../inspect/draw.ts";
import { evaluate as measure } from "../../train/evaluate.ts";
import { type CommandDefinition, usageError } from "../command.ts";
import { addDataOptions, type DataFlags, type OpenedData, openData } from "../dataset-options.ts";
import { EXIT } from "../exit-code.ts";
import { metricsFor, solved } from "../recipe.ts";
import { readModel } from "../subject.ts";
import { baselineLine, perUnit } from "./train.ts";
import type { Model } from "../../model/model.ts";
import type { BatchSource } from "../../train/data/dataset.ts";
import type { Metric } from "../../train/metric.ts";

export interface PartFlags extends DataFlags {
  readonly part?: string;
  readonly seed?: number;
}

/** A trained model with the data to look at it on. */
export interface OpenedModel {
  readonly model: Model;
  readonly data: OpenedData;
  readonly source: BatchSource;
  readonly part: string;
  readonly metrics: readonly Metric[];
}

const PARTS = ["train", "valid", "test", "all"];

export const evaluate: CommandDefinition<PartFlags> = {
  name: "eval",
  arguments: "<model>",
  summary: "measure a trained model on data",
  examples: ["sluice eval lstm.safetensors --data shakespeare.txt", "sluice eval flag.safetensors --part test --json"],
  options(command) {
    addDataOptions(command);
    command.option("--part <name>", `which part of the data: ${PARTS.join(", ")} (default: test if there is one, else valid)`);
  },
  async run(context, [path], flags) {
    const { model, data, source, part, metrics } = openModel(path, flags);
    const result = await measure(model, source, { metrics, signal: context.signal });
    const isSolved = solved(data, result.metrics);
    if (context.json) {
      context.emit({ model: path, data: data.dataset.name, part, ...result, solved: isSolved });
      return EXIT.ok;
    }
    const { terminal } = context;
    const parts = [`loss ${figure(result.loss, 4)}`, ...perUnit(data, result.loss, result.metrics)];
    terminal.print(parts.join("   "));
    if (isSolved !== undefined) terminal.print(isSolved ? terminal.green("solved") : "not solved");
    const baseline = part === "valid" || part === "test" ? baselineLine(data, part) : undefined;
    if (baseline !== undefined) terminal.print(`rmse of others: ${baseline}`);
    terminal.remark(`${data.dataset.name}, ${part} part: ${counted(result.batches, "batch", "batches")}, ${grouped(result.counted)} predictions`);
    return EXIT.ok;
  },
};

/** Loads a model and the part of the data that the options name. @throws SluiceError */
export function openModel(path: string, flags: PartFlags): OpenedModel {
  const model = readModel(path);
  const data = openData(flags, flags.seed ?? model.seed, model.record);
  const { dataset } = data;
  if (flags.part !== undefined && !PARTS.includes(flags.part)) throw usageError(`--part is one of ${PARTS.join(", ")}, not “${flags.part}”`);
  const part = flags.part ?? (dataset.test ? "test" : dataset.valid ? "valid" : "train");
  const source = { train: dataset.train, valid: dataset.valid, test: dataset.test, all: data.whole }[part];
  if (source === undefined) throw usageError(`${dataset.name} has no ${part} part`);
  const record = dataset.record;
  const score = record.kind === "task" ? data.task?.score(record.options) : undefined;
  const { network } = model;
  const answer = score !== undefined && score.measure !== "class" && network.outputs.includes("p") ? "p" : network.outputs[0];
  return { model, data, source, part, metrics: metricsFor(dataset, network, answer, score) };
}
