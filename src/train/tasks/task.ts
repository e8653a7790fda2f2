/**
 * What a built-in task is: a seeded, endless generator of examples whose chance level and success are known, as a dataset.
 *
 * In: options (plain numbers), a batch size, a seed. Out: a dataset whose batches are pure functions of the step, each row drawn from its own stream
 * ("train", step, row), so a batch of another size begins with the same examples. Validation and test are fixed sets of other streams.
 * Inputs: symbols as one-hot real "x" (or, with option `index` 1, as index "token"); numbers as real "x"; the target as "y".
 */
import { SluiceError } from "../../support/diagnostic.ts";
import { checkOptions, type OptionNames } from "../../support/options.ts";
import { createRandom, derive, type Random } from "../../support/random.ts";
import { packSequences, type Sequence } from "../data/batching.ts";
import { listNames, requireBetween, requireWhole } from "../data/checks.ts";
import { nearestWord } from "../../support/text.ts";
import type { Batch, BatchSource, Dataset } from "../data/dataset.ts";
import type { Score } from "./score.ts";

export interface TaskOption {
  readonly value: number;
  readonly least: number;
  readonly most: number;
  readonly meaning: string;
}

export type TaskOptions = Readonly<Record<string, number>>;

export interface TaskSettings {
  /** Those not given have their defaults. */
  readonly options?: TaskOptions;
  /** Default 32. */
  readonly batch?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Examples of the validation (512) and test (2560) sets, rounded up to whole batches. */
  readonly validExamples?: number;
  readonly testExamples?: number;
}

export interface RenderedExample {
  /** One for each time step: “!”, “4”. */
  readonly symbols: readonly string[];
  /** What is to be said, by counted step: `{ step: 12, text: "4" }`. */
  readonly wanted: readonly { readonly step: number; readonly text: string }[];
}

export interface Task {
  readonly name: string;
  /** One line: say, at “?”, the digit that followed “!”. */
  readonly title: string;
  /** The paper it is from. */
  readonly source: string;
  readonly options: Readonly<Record<string, TaskOption>>;
  /** A few sentences for these options: what is read, what is wanted, what guessing gives, when it counts as solved. */
  describe(options?: TaskOptions): string;
  score(options?: TaskOptions): Score;
  dataset(settings?: TaskSettings): Dataset;
  /** An example of a batch of this task, for people. */
  render(batch: Batch, row: number, options?: TaskOptions): RenderedExample;
}

/** One drawn example: symbols or numbers, the target and where it counts. */
export interface Example {
  /** [steps] indices into the alphabet; one more where the task has look-ahead. */
  readonly symbols?: ArrayLike<number>;
  /** [steps, size] for tasks of numbers. */
  readonly x?: Float32Array;
  /** [steps] or [steps, size]. */
  readonly y: Int32Array | Float32Array;
  /** [steps] */
  readonly lossMask: Float32Array;
}

export interface TaskDefinition extends Omit<Task, "dataset" | "render" | "describe" | "score"> {
  describe(options: TaskOptions): string;
  score(options: TaskOptions): Score;
  /** Names of the symbols read, or the number of real inputs. */
  reads(options: TaskOptions): readonly string[] | number;
  /** Names of the classes to say, or the number of real outputs. */
  says(options: TaskOptions): readonly string[] | number;
  /** Least and greatest number of time steps. */
  length(options: TaskOptions): readonly [number, number];
  draw(random: Random, options: TaskOptions): Example;
  /** Options of the test set, where it is meant to differ (longer sequences). */
  test?(options: TaskOptions): TaskOptions;
  /** Check of options that belong together. */
  check?(options: TaskOptions): void;
  /** Replaces the batch sources of independent examples (streams with carried state). */
  sources?(options: TaskOptions, settings: { readonly batch: number; readonly seed: number }): Pick<Dataset, "train" | "valid" | "test">;
  readonly lookAhead?: number;
}

const INDEX_OPTION: TaskOption = { value: 0, least: 0, most: 1, meaning: "1: symbols as an index input “token”; 0: as a one-hot real input “x”" };

const SETTINGS: OptionNames<TaskSettings> = { options: true, batch: true, seed: true, validExamples: true, testExamples: true };

/** The task of a definition: checks options, encodes, batches. */
export function makeTask(definition: TaskDefinition): Task {
  const options = { ...definition.options, ...(typeof definition.reads(defaultsOf(definition.options)) !== "number" && { index: INDEX_OPTION }) };
  const resolve = (given: TaskOptions | undefined) => {
    const resolved = resolveOptions(definition.name, options, given ?? {});
    definition.check?.(resolved);
    return resolved;
  };
  return {
    name: definition.name,
    title: definition.title,
    source: definition.source,
    options,
    describe: (given) => definition.describe(resolve(given)),
    score: (given) => definition.score(resolve(given)),
    render: (batch, row, given) => render(definition, batch, row, resolve(given)),
    dataset: (settings: TaskSettings = {}) => {
      checkOptions(`the dataset of ${definition.name}`, settings, SETTINGS);
      const { options: given, batch = 32, seed = 1, validExamples = 512, testExamples = 2560 } = settings;
      const chosen = resolve(given);
      requireWhole("batch", batch, 1);
      const test = resolve(definition.test ? { ...definition.test(chosen), index: chosen.index } : chosen);
      return {
        name: definition.title,
        inputs: inputsOf(definition, chosen),
        ...(definition.sources?.(chosen, { batch, seed }) ?? {
          train: endless(definition, chosen, batch, derive(seed, definition.name, "train")),
          valid: endless(definition, chosen, batch, derive(seed, definition.name, "valid"), Math.ceil(validExamples / batch)),
          test: endless(definition, test, batch, derive(seed, definition.name, "test"), Math.ceil(testExamples / batch)),
        }),
        record: { kind: "task", name: definition.name, options: chosen },
      };
    },
  };
}

function defaultsOf(options: Readonly<Record<string, TaskOption>>): TaskOptions {
  return Object.fromEntries(Object.entries(options).map(([name, { value }]) => [name, value]));
}

function resolveOptions(task: string, known: Readonly<Record<string, TaskOption>>, given: TaskOptions): TaskOptions {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(known, name)) {
      const near = nearestWord(name, Object.keys(known));
      const cure = `${near ? `did you mean ${near}? ` : ""}it has ${listNames(Object.keys(known))}`;
      throw new SluiceError("E440", `task ${task} has no option ${name}; ${cure}`);
    }
    const { least, most } = known[name];
    requireBetween(`${name} of task ${task}`, value, least, most);
    // Every option counts something, or switches something.
    requireWhole(`${name} of task ${task}`, value, least);
  }
  return { ...defaultsOf(known), ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}

function inputsOf(definition: TaskDefinition, options: TaskOptions): Dataset["inputs"] {
  const reads = definition.reads(options);
  const says = definition.says(options);
  return {
    ...(typeof reads === "number"
      ? { x: { type: "real", size: reads } }
      : options.index === 1
        ? { token: { type: "index", size: reads.length } }
        : { x: { type: "real", size: reads.length } }),
    y: typeof says === "number" ? { type: "real", size: says } : { type: "index", size: says.length },
  };
}

function endless(definition: TaskDefinition, options: TaskOptions, batch: number, seed: number, batchesPerPass?: number): BatchSource {
  const inputs = inputsOf(definition, options);
  const [least, most] = definition.length(options);
  const lookAhead = definition.lookAhead ?? 0;
  return {
    batch,
    capacity: most,
    ...(batchesPerPass !== undefined && { batchesPerPass }),
    batchAt: (step) => {
      const within = batchesPerPass === undefined ? step : step % batchesPerPass;
      const sequences = Array.from({ length: batch }, (_, row) => encode(definition.draw(createRandom(derive(seed, within, row)), options), inputs));
      const { lengths, ...packed } = packSequences(sequences, inputs, { batch, lookAhead });
      return least === most ? packed : { lengths, ...packed };
    },
  };
}

function encode(example: Example, inputs: Dataset["inputs"]): Sequence {
  const steps = example.lossMask.length;
  const { symbols = [], x = oneHot(symbols, inputs.x?.size ?? 0), y, lossMask } = example;
  return { steps, inputs: inputs.token ? { token: Int32Array.from(symbols), y } : { x, y }, lossMask };
}

/** [symbols, size] 1 at each symbol's place. */
export function oneHot(symbols: ArrayLike<number>, size: number): Float32Array {
  const rows = new Float32Array(symbols.length * size);
  for (let t = 0; t < symbols.length; t++) rows[t * size + symbols[t]] = 1;
  return rows;
}

function render(definition: TaskDefinition, batch: Batch, row: number, options: TaskOptions): RenderedExample {
  const reads = definition.reads(options);
  const says = definition.says(options);
  const steps = batch.lengths?.[row] ?? batch.steps;
  const { token, x, y } = batch.inputs;
  const width = typeof reads === "number" ? reads : reads.length;
  const slice = (values: ArrayLike<number>, t: number, size: number) =>
    Array.from({ length: size }, (_, k) => values[(t * batch.batch + row) * size + k]);
  const symbols = Array.from({ length: steps }, (_, t) => {
    if (typeof reads === "number") return slice(x, t, width).map(short).join(" ");
    return reads[token ? token[t * batch.batch + row] : slice(x, t, width).indexOf(1)];
  });
  const wanted: { step: number; text: string }[] = [];
  for (let step = 0; step < steps; step++) {
    if (batch.lossMask && batch.lossMask[step * batch.batch + row] === 0) continue;
    wanted.push({ step, text: typeof says === "number" ? slice(y, step, says).map(short).join(" ") : says[y[step * batch.batch + row]] });
  }
  return { symbols, wanted };
}

function short(value: number): string {
  return String(Number(value.toFixed(2)));
}
