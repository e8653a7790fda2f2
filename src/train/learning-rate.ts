/**
 * Learning rates as pure functions of the step; plateau reduction is a function of the validation losses so far.
 */
import { SluiceError } from "../support/diagnostic.ts";
import { checkOptions, type OptionNames, requireWord } from "../support/options.ts";

export type LearningRate = { readonly rate: number /** Steps of linear rise from 0 (default 0). */; readonly warmUp?: number } & (
  | { readonly kind: "constant" }
  /** Half a cosine from `rate` to `final` (default 0) at the last step; Loshchilov & Hutter 2017. */
  | { readonly kind: "cosine"; readonly final?: number }
  /** From `rate` to `final` (default 0) along a line. */
  | { readonly kind: "linear"; readonly final?: number }
  /** Times `factor` after every `every` steps. */
  | { readonly kind: "step"; readonly every: number; readonly factor: number }
  /** Times `factor` at each step after the first `after` (default 0). */
  | { readonly kind: "exponential"; readonly factor: number; readonly after?: number }
  /** Times `factor` whenever `patience` validations in a row bring no improvement; never below `least` (default 0). */
  | { readonly kind: "plateau"; readonly factor: number; readonly patience: number; readonly least?: number }
);

/**
 * The learning rate of a step (counted from 1) in a run of `steps`; `validations` are the validation losses before it, oldest first.
 */
export function learningRateAt(schedule: LearningRate, step: number, steps: number, validations: readonly number[] = []): number {
  const warmUp = schedule.warmUp ?? 0;
  const rise = step < warmUp ? step / warmUp : 1;
  return rise * settled(schedule, step, steps, warmUp, validations);
}

function settled(schedule: LearningRate, step: number, steps: number, warmUp: number, validations: readonly number[]): number {
  switch (schedule.kind) {
    case "constant":
      return schedule.rate;
    case "cosine": {
      const final = schedule.final ?? 0;
      return final + (schedule.rate - final) * 0.5 * (1 + Math.cos(Math.PI * progress(step, steps, warmUp)));
    }
    case "linear": {
      const final = schedule.final ?? 0;
      return schedule.rate + (final - schedule.rate) * progress(step, steps, warmUp);
    }
    case "step":
      return schedule.rate * schedule.factor ** Math.floor((step - 1) / schedule.every);
    case "exponential":
      return schedule.rate * schedule.factor ** Math.max(0, step - 1 - (schedule.after ?? 0));
    case "plateau":
      return Math.max(schedule.least ?? 0, schedule.rate * schedule.factor ** plateaus(validations, schedule.patience));
  }
}

/** How far the run is between the end of the warm-up (0) and its last step (1). */
function progress(step: number, steps: number, warmUp: number): number {
  const first = Math.max(1, warmUp);
  return steps <= first ? 1 : Math.min(1, Math.max(0, (step - first) / (steps - first)));
}

/** Number of times that `patience` validations in a row brought no new least loss. */
function plateaus(validations: readonly number[], patience: number): number {
  let least = Infinity;
  let waited = 0;
  let count = 0;
  for (const loss of validations) {
    if (loss < least) {
      least = loss;
      waited = 0;
    } else if (++waited >= patience) {
      count++;
      waited = 0;
    }
  }
  return count;
}

type Kind = LearningRate["kind"];

const always = { kind: true, rate: true, warmUp: true } as const;
const namesOf: { readonly [K in Kind]: OptionNames<Extract<LearningRate, { readonly kind: K }>> } = {
  constant: always,
  cosine: { ...always, final: true },
  linear: { ...always, final: true },
  step: { ...always, every: true, factor: true },
  exponential: { ...always, factor: true, after: true },
  plateau: { ...always, factor: true, patience: true, least: true },
};

/** @throws SluiceError E462 if there is no such schedule, or a name or number of it cannot be meant */
export function checkLearningRate(schedule: LearningRate): LearningRate {
  requireWord("learning rate", schedule?.kind, Object.keys(namesOf));
  checkOptions(`the learning rate ${schedule.kind}`, schedule, namesOf[schedule.kind] as OptionNames<LearningRate>);
  const positive = (name: string, value: number): void => {
    if (!(value > 0 && Number.isFinite(value))) throw new SluiceError("E462", `the learning rate's ${name} must be a positive number, not ${value}`);
  };
  positive("rate", schedule.rate);
  if (schedule.warmUp !== undefined && !(schedule.warmUp >= 0))
    throw new SluiceError("E462", `the warm-up must be a number of steps, not ${schedule.warmUp}`);
  if (schedule.kind === "step") positive("every", schedule.every);
  if (schedule.kind === "step" || schedule.kind === "exponential" || schedule.kind === "plateau") positive("factor", schedule.factor);
  if (schedule.kind === "plateau") positive("patience", schedule.patience);
  return schedule;
}
