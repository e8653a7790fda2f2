/**
 * `npm run bench -- --shakespeare FILE [--steps N] [--whole]`: Tiny Shakespeare by character, as `sluice train lstm --data FILE` trains it, beside
 * PyTorch.
 *
 * Both train from the same weights on the same batches at the same rates, ten steps of one and ten of the other in turn, first on one thread and
 * then on two. The losses are compared step by step: where they agree, so do the steps that a run takes to a loss, and its wall time is those steps
 * times the time of a step. `--whole` runs Sluice alone, to the end, and prints at which step and after how long the validation loss was 1.60. Exit
 * status 1 if losses part.
 */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { defaultsFor } from "../src/cli/defaults.ts";
import { type Recipe, recipeFor, settingsFor } from "../src/cli/recipe.ts";
import { createModel, type Model } from "../src/model/model.ts";
import { sizesForInputs } from "../src/model/sizes.ts";
import type { Dataset } from "../src/train/data/dataset.ts";
import { textDataset } from "../src/train/data/text.ts";
import { learningRateAt } from "../src/train/learning-rate.ts";
import { train } from "../src/train/loop.ts";
import * as pytorch from "./peers/pytorch.mjs";
import { median } from "./report.ts";
import { ADAM } from "./workloads.ts";

const BLOCK = 10;
const GOAL = 1.6;
/** Seed and restarts of `sluice train`. */
const SEED = 1;
const RESTART_EVERY = 8;
/** Relative difference of a loss within the first steps: the rounding of two orders of summation, grown by training. */
const AGREEMENT = 1e-3;

interface Subject {
  readonly dataset: Dataset;
  readonly recipe: Recipe;
  readonly model: Model;
  readonly settings: ReturnType<typeof settingsFor>;
}

/** Runs the comparison; the exit status. */
export async function shakespeare(args: readonly string[]): Promise<number> {
  const path = args[args.indexOf("--shakespeare") + 1];
  if (path === undefined || path.startsWith("--")) {
    console.error("--shakespeare needs the path of tinyshakespeare.txt");
    return 2;
  }
  const subject = subjectOf(readFileSync(path, "utf8"));
  if (args.includes("--whole")) return wholeRun(subject);
  const steps = Math.max(BLOCK, Number(args[args.indexOf("--steps") + 1]) || 50);
  const hasTorch = pytorch.pythonWithTorch() !== undefined;
  if (!hasTorch) console.log(`PyTorch: ${pytorch.ABSENT}`);
  let worst = 0;
  for (const threads of availableParallelism() > 1 ? [1, 2] : [1]) worst = Math.max(worst, await beside(subject, steps, threads, hasTorch));
  return worst <= AGREEMENT ? 0 : 1;
}

function subjectOf(text: string): Subject {
  const { batch, window } = defaultsFor("character");
  const dataset = textDataset(text, { batch, window, seed: SEED });
  const recipe = recipeFor("lstm", { dataset }, {});
  const sizes = sizesForInputs(recipe.network, recipe.sizes, dataset.inputs);
  return { dataset, recipe, model: createModel(recipe.compiled, { sizes, seed: SEED }), settings: settingsFor(dataset, {}) };
}

/** Trains both for some steps and prints what they take; the largest relative difference of their losses. */
async function beside({ dataset, recipe, model, settings }: Subject, steps: number, threads: number, hasTorch: boolean): Promise<number> {
  const torch = hasTorch ? await startTorch(dataset, model, threads) : undefined;
  const [ours, theirs]: [number[], number[]] = [[], []];
  const losses: number[] = [];
  const over = new AbortController();
  const first = await train(recipe.compiled, dataset, {
    ...settings,
    sizes: recipe.sizes,
    parameters: model.parameters,
    threads,
    validateEvery: 0,
    checkpointEvery: BLOCK,
    signal: over.signal,
    onEvent(event) {
      if (event.kind !== "step") return;
      ours.push(event.durationMs);
      if (event.step === steps) over.abort();
    },
    async saveCheckpoint(_, step) {
      if (torch === undefined || theirs.length * BLOCK >= steps) return;
      const block = Array.from({ length: BLOCK }, (__, i) => step - BLOCK + i);
      const tokens = Float32Array.from(block.flatMap((at) => Array.from(dataset.train.batchAt(at).inputs.token)));
      const rates = block.map((at) => learningRateAt(settings.learningRate as never, at + 1, settings.steps));
      const carry = block.map((at) => dataset.train.batchAt(at).carry && at % RESTART_EVERY !== 0);
      const { message, arrays } = await torch.ask<{ readonly ms: number }>({ rates, carry, clip: settings.clip }, { tokens });
      theirs.push(message.ms / BLOCK);
      losses.push(...arrays.losses);
    },
  });
  torch?.stop();
  const { losses: own } = first.result;
  const apart = Math.max(0, ...losses.map((loss, step) => Math.abs(loss - own[step]) / own[step]));
  const blocks = Array.from(
    { length: Math.floor(ours.length / BLOCK) },
    (_, i) => ours.slice(i * BLOCK, (i + 1) * BLOCK).reduce((a, b) => a + b) / BLOCK,
  );
  console.log(`${threads === 1 ? "one thread" : `${threads} threads`}, ${ours.length} steps in turns of ${BLOCK}, milliseconds of a step`);
  console.log(line("Sluice", blocks));
  if (theirs.length > 0) {
    console.log(line("PyTorch", theirs));
    console.log(
      `  losses at most ${apart.toExponential(1)} apart (relative), at step ${steps}: ${own.at(-1)!.toFixed(5)} and ${losses.at(-1)!.toFixed(5)}`,
    );
  }
  return apart;
}

function line(name: string, blocks: readonly number[]): string {
  return `  ${name.padEnd(8)}median ${median(blocks).toFixed(1).padStart(7)}   best ${Math.min(...blocks)
    .toFixed(1)
    .padStart(7)}   worst ${Math.max(...blocks)
    .toFixed(1)
    .padStart(7)}`;
}

async function startTorch(dataset: Dataset, model: Model, threads: number) {
  const torch = pytorch.startPython("pytorch_shakespeare.py", threads, threads > 1 ? pytorch.settingsFor(threads).at(-1) : {});
  const { capacity: T, batch: B } = dataset.train;
  const weights = Object.fromEntries(
    [...model.index.values()].map(({ name, offset, length }) => [name, model.parameters.subarray(offset, offset + length)]),
  );
  const order = { threads, T, B, vocabulary: dataset.inputs.token.size, D: model.sizes.D, H: model.sizes.H, ...ADAM };
  const { message } = await torch.ask<{ readonly torch: string; readonly blas: string }>(order, weights);
  console.log(`PyTorch ${message.torch}, ${message.blas}`);
  return torch;
}

/** Sluice's run to the end, on all cores. */
async function wholeRun({ dataset, recipe, settings }: Subject): Promise<number> {
  let reached: { readonly step: number; readonly seconds: number; readonly loss: number } | undefined;
  let validating = 0;
  const began = performance.now();
  await train(recipe.compiled, dataset, {
    ...settings,
    sizes: recipe.sizes,
    threads: availableParallelism(),
    validateEvery: 100,
    onEvent(event) {
      if (event.kind !== "validation") return;
      validating += event.durationMs;
      const seconds = (performance.now() - began - validating) / 1000;
      console.log(`${String(event.step).padStart(6)}  validation ${event.loss.toFixed(4)}  after ${seconds.toFixed(1)} s of training`);
      if (event.loss <= GOAL) reached ??= { step: event.step, seconds, loss: event.loss };
    },
  });
  console.log(
    reached === undefined
      ? `validation loss ${GOAL} was not reached`
      : `validation loss ${reached.loss.toFixed(4)} at step ${reached.step}, after ${reached.seconds.toFixed(1)} s of training on ${availableParallelism()} threads`,
  );
  return reached === undefined ? 1 : 0;
}
