/**
 * What a published experiment is, once its equations are texts: variants that differ in a line, figures measured with seeds, claims judged by limits.
 *
 * In: a variant and a seed. Out: named figures. It prints nothing and judges nothing that it has not measured; a quick run is never judged.
 */
import { type Compiled, compile, networkOf } from "../../model/compiled.ts";
import { createModel } from "../../model/model.ts";
import { type GivenSizes, sizesForInputs } from "../../model/sizes.ts";
import { SluiceError } from "../../support/diagnostic.ts";
import { createRandom, derive } from "../../support/random.ts";
import type { Dataset } from "../data/dataset.ts";
import type { TrainEvent } from "../events.ts";
import { type TrainedModel, train } from "../loop.ts";
import type { TrainSettings } from "../options.ts";

export interface Variant {
  readonly name: string;
  /** The equations; those of the second and later variants differ from the first in as little as the claim allows. */
  readonly text: string;
  /** Trained numbers of the text at the sizes of the experiment. */
  readonly parameters: number;
  /** What the paper says of it, in a few words. */
  readonly published: string;
}

export interface RunContext {
  readonly seed: number;
  /** Seconds instead of minutes: shows that everything runs, proves nothing. */
  readonly quick: boolean;
  readonly threads: number;
  /** Content of the file that the experiment needs. */
  readonly data?: unknown;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainEvent) => void;
}

/** Measured numbers by name: "wrong", "sequences". */
export type Figures = Readonly<Record<string, number>>;

export interface Outcome {
  readonly parameters: number;
  readonly figures: Figures;
}

export interface MeasuredRun extends Outcome {
  readonly variant: string;
  readonly seed: number;
  readonly durationMs: number;
}

/** A claim of the experiment with its limit. */
export interface Claim {
  readonly claim: string;
  readonly measured: string;
  readonly met: boolean;
}

export interface Experiment {
  readonly name: string;
  readonly title: string;
  readonly source: string;
  /** Data, network and training in a few sentences. */
  readonly recipe: string;
  readonly variants: readonly Variant[];
  /** Seeds of a full run unless others are asked for. */
  readonly seeds: readonly number[];
  /** What --data has to name; absent: the data are generated. */
  readonly needs?: string;
  run(variant: Variant, context: RunContext): Promise<Outcome>;
  judge(runs: readonly MeasuredRun[]): readonly Claim[];
}

/** How the weights begin where the text's own beginnings are not the paper's. */
export interface Beginning {
  /** Every weight uniform in ±bound. */
  readonly bound: number;
  /** Biases with one number for each block of cells; those that the text does not have are left out. */
  readonly biases: Readonly<Record<string, readonly number[]>>;
}

export interface TrainingPlan extends Omit<TrainSettings, "seed" | "threads" | "signal" | "onEvent" | "onStep" | "parameters"> {
  readonly variant: Variant;
  readonly dataset: Dataset;
  readonly begin?: Beginning;
  /** True ends the run after this step. */
  readonly enough?: (step: number, loss: number) => boolean;
}

/** Trains a variant as planned. @throws SluiceError E462 … as `train`; an interruption by the user is thrown as the signal's reason */
export async function trainVariant({ variant, dataset, begin, enough, ...settings }: TrainingPlan, context: RunContext): Promise<TrainedModel> {
  const compiled = compile({ name: `${variant.name}.gate`, text: variant.text });
  const over = new AbortController();
  const trained = await train(compiled, dataset, {
    ...settings,
    seed: context.seed,
    threads: context.threads,
    ...(begin && { parameters: beginning(compiled, sizesForInputs(networkOf(compiled), settings.sizes ?? {}, dataset.inputs), begin, context.seed) }),
    signal: context.signal ? AbortSignal.any([context.signal, over.signal]) : over.signal,
    onEvent(event) {
      context.onEvent?.(event);
      if (event.kind === "step" && enough?.(event.step, event.loss)) over.abort();
    },
  });
  context.signal?.throwIfAborted();
  return trained;
}

/** U(-bound, bound) for every weight, each from a generator named after it, and the biases as given. */
function beginning(compiled: Compiled, sizes: GivenSizes, { bound, biases }: Beginning, seed: number): Float32Array {
  const model = createModel(compiled, { sizes });
  for (const { name, length } of model.index.values()) {
    const random = createRandom(derive(seed, "weight", name));
    model.assign(name, biases[name] ?? Float32Array.from({ length }, () => random.uniform(-bound, bound)));
  }
  return model.parameters;
}

/** The runs of a variant. */
export function runsOf(runs: readonly MeasuredRun[], variant: string): readonly MeasuredRun[] {
  return runs.filter((run) => run.variant === variant);
}

/** A claim that each run of a variant has to meet; a variant without runs meets none. */
export function eachRun(
  runs: readonly MeasuredRun[],
  { variant, claim, shown, holds }: { variant: string; claim: string; shown: (figures: Figures) => string; holds: (figures: Figures) => boolean },
): Claim {
  const own = runsOf(runs, variant);
  return {
    claim: `${variant}: ${claim}`,
    measured: own.map((run) => shown(run.figures)).join(", ") || "not run",
    met: own.length > 0 && own.every((run) => holds(run.figures)),
  };
}

/** @throws SluiceError E490 if the experiment's file is missing */
export function requireContent(experiment: Pick<Experiment, "name" | "needs">, content: unknown): unknown {
  if (content !== undefined) return content;
  throw new SluiceError("E490", `${experiment.name} needs ${experiment.needs}; give the file with --data FILE`);
}
