/**
 * `sluice train SUBJECT --data FILE | --task NAME`: trains, keeps a checkpoint, writes a model file that can be used by itself.
 *
 * Ctrl-C ends the run after the step under way, writes the checkpoint and says how to go on; `--resume FILE` goes on bit for bit, with the options that
 * the run was begun with. Nothing is overwritten before the new file is whole.
 */
import { existsSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { bytes, counted, duration, figure, grouped, sparkline } from "../../inspect/draw.ts";
import { sizeValue } from "../../model/sizes.ts";
import { threadsRefused } from "../../runtime/wasm/threads.ts";
import { SluiceError } from "../../support/diagnostic.ts";
import type { OptimizerOptions } from "../../train/optimizer.ts";
import { type NonFiniteError, train } from "../../train/loop.ts";
import { readCommand, withCommand } from "../checkpoint-file.ts";
import { forecastBaselines } from "../../train/data/baseline.ts";
import { type CommandDefinition, type Context, numberOption, sizeOption, usageError } from "../command.ts";
import { addDataOptions, type DataFlags, fileKind, type OpenedData, openData } from "../dataset-options.ts";
import { EXIT } from "../exit-code.ts";
import { checkWritable, readBytes, writeSomewhere, writeWhole } from "../files.ts";
import { isModelFile } from "../subject.ts";
import { createProgress } from "../progress.ts";
import { defaultsFor, kindOf } from "../defaults.ts";
import { type Recipe, type RecipeFlags, recipeFor, type SettingsFlags, settingsFor, solved } from "../recipe.ts";
import { addWideOption, applyWide, type WideFlags } from "../wide.ts";
import { canWrite } from "../writer.ts";

const OPTIMIZERS: readonly OptimizerOptions["kind"][] = ["adam", "adamw", "rmsprop", "sgd"];

export interface TrainFlags extends DataFlags, RecipeFlags, SettingsFlags, WideFlags {
  readonly threads?: number;
  readonly segment?: number;
  readonly memory?: number;
  readonly checkpointEvery?: number;
  readonly out?: string;
  readonly resume?: string;
}

export const trainCommand: CommandDefinition<TrainFlags> = {
  name: "train",
  arguments: "[subject]",
  summary: "train a cell or a whole model on a text, a table, sequences or a task",
  examples: [
    "sluice train lstm --data shakespeare.txt",
    "sluice train my-cell.gate --task flag --hidden 12",
    "sluice train gru --data temperatures.csv --target Temp",
    "sluice train --resume lstm.checkpoint.safetensors",
  ],
  options(command) {
    addDataOptions(command);
    addTrainOptions(command);
    command
      .option("--out <file>", "where the model goes (default: SUBJECT.safetensors)")
      .option(
        "--checkpoint-every <steps>",
        "steps between two checkpoints (0: only at the end)",
        numberOption("--checkpoint-every", { least: 0, whole: true }),
      )
      .option("--resume <file>", "go on from a checkpoint, with the options of its run");
  },
  async run(context, [subject], flags) {
    const resumed = flags.resume === undefined ? undefined : readBytes(flags.resume);
    const begun = resumed === undefined ? undefined : readCommand(resumed, flags.resume!);
    const chosen = begun?.subject ?? subject;
    if (begun !== undefined && subject !== undefined && subject !== begun.subject)
      throw usageError(`${flags.resume} is a checkpoint of ${begun.subject}, not of ${subject}; leave out ${subject}, or --resume`);
    if (chosen === undefined) throw usageError("what is to be trained? Give a mechanism (sluice train lstm …) or a file of equations");
    if (begun === undefined && isModelFile(chosen)) {
      const cure =
        "a run goes on from its checkpoint, sluice train --resume FILE (--checkpoint-every keeps one); to begin anew, give a file of equations";
      throw new SluiceError("E486", `${chosen} is a trained model; ${cure}`);
    }
    const merged: TrainFlags = begun === undefined ? flags : { ...begun.flags, ...defined(flags) };
    if (begun !== undefined) requireData(merged);
    return runTraining(context, chosen, merged, resumed);
  },
};

/** Options of training that `compare` takes too. */
export function addTrainOptions(command: Command): void {
  addWideOption(command);
  command
    .option("--hidden <number>", "hidden units", numberOption("--hidden", { least: 1, whole: true }))
    .option("--layers <number>", "layers of a bare cell", numberOption("--layers", { least: 1, whole: true }))
    .option("--dropout <p>", "dropout between the layers of a bare cell and before its read-out", numberOption("--dropout", { least: 0, most: 0.95 }))
    .option("--size <name=number>", "value of a size; may be repeated", sizeOption)
    .option("--steps <number>", "training steps", numberOption("--steps", { least: 1, whole: true }))
    .option("--rate <number>", "learning rate", numberOption("--rate", { least: 0 }))
    .option("--schedule <name>", "constant or cosine", oneOf("--schedule", ["constant", "cosine"]))
    .option("--optimizer <name>", OPTIMIZERS.join(", "), oneOf("--optimizer", OPTIMIZERS))
    .option("--clip <norm>", "greatest norm of the gradient (0: any)", numberOption("--clip", { least: 0 }))
    .option("--weight-noise <deviation>", "Gaussian noise on the weights while training", numberOption("--weight-noise", { least: 0 }))
    .option(
      "--patience <validations>",
      "stop after this many validations without improvement (0: never)",
      numberOption("--patience", { least: 0, whole: true }),
    )
    .option(
      "--threads <number>",
      "threads of a step (default: all cores for models of some size); the results have the same bits",
      numberOption("--threads", { least: 1, most: 64, whole: true }),
    )
    .option(
      "--segment <steps>",
      "train batches of long sequences in segments of this many steps: same gradients, memory of one segment",
      numberOption("--segment", { least: 1, whole: true }),
    )
    .option(
      "--memory <MiB>",
      "greatest memory of the program: what does not fit keeps less and computes it again, then goes in segments",
      numberOption("--memory", { least: 0 }),
    )
    .option("--seed <number>", "fixes everything that is random", numberOption("--seed", { least: 0, whole: true }))
    .option("--block <name>", "the main block, if it is not the last that no other block calls");
}

function oneOf(name: string, choices: readonly string[]) {
  return (text: string): string => {
    if (!choices.includes(text)) throw usageError(`${name} is one of ${choices.join(", ")}, not “${text}”`);
    return text;
  };
}

/** Data with the batch and window that are usual for its kind. */
export function openTrainingData(flags: TrainFlags): OpenedData {
  const kind = flags.data === undefined ? "task" : fileKind(flags.data);
  const defaults = defaultsFor(kind === "text" ? (flags.word ? "word" : "character") : kind);
  return openData(flags, flags.seed ?? 1, undefined, defaults);
}

async function runTraining(context: Context, subject: string, flags: TrainFlags, resumed: Uint8Array | undefined): Promise<number> {
  const { terminal } = context;
  const out = flags.out ?? `${nameOf(subject)}.safetensors`;
  const checkpointPath = out.replace(/\.safetensors$/, "") + ".checkpoint.safetensors";
  checkWritable(out);
  applyWide(context, flags);
  const data = openTrainingData(flags);
  const recipe = recipeFor(subject, data, flags);
  const settings = settingsFor(data.dataset, flags);
  describe(context, recipe, data, settings.steps);
  const named = (checkpoint: Uint8Array): Uint8Array => withCommand(checkpoint, { subject, flags: kept(flags) });
  // A checkpoint that cannot be written must not end hours of training: the run goes on and says so.
  const saveCheckpoint = (checkpoint: Uint8Array): Promise<void> =>
    writeWhole(checkpointPath, named(checkpoint)).catch((error: unknown) => {
      if (!(error instanceof SluiceError)) throw error;
      terminal.complain(`${terminal.yellow("warning")} ${error.code}  ${error.message}; training goes on without it`);
    });
  const trained = await train(recipe.compiled, data.dataset, {
    ...settings,
    sizes: recipe.sizes,
    threads: flags.threads ?? usualThreads(recipe),
    segment: flags.segment,
    memoryMiB: flags.memory,
    metrics: recipe.metrics,
    resume: resumed,
    signal: context.signal,
    saveCheckpoint,
    checkpointEvery: flags.checkpointEvery ?? Math.max(100, Math.ceil(settings.steps / 20)),
    onEvent: createProgress(terminal, { unit: unitOf(data), measured: (event) => perUnit(data, event.loss, event.metrics) }),
  }).catch(async (error: unknown) => {
    if (!isNonFinite(error)) throw error;
    const kept = await writeSomewhere(checkpointPath, named(error.checkpoint));
    const cure = `a smaller --rate or --clip helps most often; the state before step ${grouped(error.step)} is in ${kept}`;
    throw new SluiceError(error.code, `${error.message}\n${cure}`, [], { cause: error });
  });
  terminal.settle();
  const { result } = trained;
  if (result.reason === "aborted") {
    const place = await writeSomewhere(checkpointPath, named(result.checkpoint));
    if (context.json) context.emit({ interrupted: true, step: result.steps, checkpoint: place });
    else {
      terminal.print(`interrupted after step ${grouped(result.steps)}; nothing is lost. Go on with:`);
      terminal.print();
      terminal.print(`  sluice train --resume ${place}`);
    }
    return EXIT.interrupted;
  }
  const place = await writeSomewhere(out, trained.toBytes());
  if (place !== out) {
    terminal.complain(`${terminal.red("error")} E467  ${out} could not be written; the model is kept in ${place}`);
    return EXIT.files;
  }
  if (flags.checkpointEvery === undefined) rmSync(checkpointPath, { force: true }); // the run is over; its model has all that is needed
  if (result.losses.length === 0 && !context.json) {
    const cure = result.steps < settings.steps ? "--patience 0" : "a greater --steps";
    terminal.print(
      `this run was finished at step ${grouped(result.steps)} of ${grouped(settings.steps)}, so nothing was trained; ${cure} goes further`,
    );
  }
  report(context, trained, data, out);
  return EXIT.ok;
}

/** Fewest weights for which dividing a step among threads pays. */
const WEIGHTS_FOR_THREADS = 10_000;

/** All cores for a model whose steps are long enough to be divided, one for a small one. */
export function usualThreads({ network, sizes }: Recipe): number {
  if (threadsRefused() !== undefined) return 1;
  const known = { ...Object.fromEntries(network.sizes.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]))), ...sizes };
  const weights = network.weights.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * (sizeValue(size, known) ?? 1), 1), 0);
  return weights < WEIGHTS_FOR_THREADS ? 1 : Math.min(8, availableParallelism());
}

function isNonFinite(error: unknown): error is NonFiniteError {
  return error instanceof SluiceError && "checkpoint" in error && "step" in error;
}

function describe({ terminal, json }: Context, recipe: Recipe, data: OpenedData, steps: number): void {
  if (json) return;
  const { dataset } = data;
  terminal.remark(
    `${terminal.bold("data")}    ${dataset.name}${dataset.train.batchesPerPass ? `, ${counted(dataset.train.batchesPerPass, "batch", "batches")} a pass` : ""}`,
  );
  for (const note of dataset.notes ?? []) terminal.remark(`        ${note}`);
  if (recipe.wrapped) {
    terminal.remark(`${terminal.bold("model")}   ${recipe.network.name}, written around the cell:`);
    const text = recipe.compiled.source.text;
    for (const line of text.slice(text.lastIndexOf("# A model around")).trimEnd().split("\n").slice(1)) terminal.remark(`          ${line}`);
  } else terminal.remark(`${terminal.bold("model")}   ${recipe.network.name}`);
  const sizes = Object.entries(recipe.sizes).map(([name, value]) => `${name} = ${value}`);
  terminal.remark(`${terminal.bold("sizes")}   ${sizes.join(", ")}   ${grouped(steps)} steps of ${dataset.train.batch} × ${dataset.train.capacity}`);
}

type Trained = Awaited<ReturnType<typeof train>>;

function report(context: Context, trained: Trained, data: OpenedData, out: string): void {
  const { terminal } = context;
  const { result, training } = trained;
  const last = result.validations.find((validation) => validation.step === result.bestStep) ?? result.validations.at(-1);
  const isSolved = last && solved(data, last.metrics);
  const size = trained.toBytes().length;
  if (context.json) {
    context.emit({
      model: out,
      parameters: trained.parameterCount,
      sizes: trained.sizes,
      steps: result.steps,
      reason: result.reason,
      bestStep: result.bestStep,
      training: training.loss,
      validation: last?.loss,
      metrics: last?.metrics,
      solved: isSolved,
      durationMs: training.durationMs,
      losses: result.losses,
      validations: result.validations,
    });
    return;
  }
  const curve = sparkline(result.losses, { width: Math.max(10, Math.min(48, terminal.width - 44)), ascii: terminal.ascii });
  if (result.losses.length > 0) terminal.print(`loss    ${curve}  ${figure(result.losses[0], 3)} → ${figure(training.loss ?? NaN, 4)}`);
  if (last) {
    terminal.print(
      `valid   ${[`loss ${figure(last.loss, 4)} at step ${grouped(last.step)}`, ...perUnit(data, last.loss, last.metrics)].join("   ")}`,
    );
  }
  if (isSolved !== undefined) terminal.print(`task    ${isSolved ? terminal.green("solved") : "not solved"}: ${data.task!.title}`);
  terminal.print(`model   ${out}  ${grouped(trained.parameterCount)} parameters, ${bytes(size)}, ${duration((training.durationMs ?? 0) / 1000)}`);
  terminal.print();
  terminal.print(`  sluice ${canWrite(trained) ? `sample ${out}` : `eval ${out}${dataFlag(data)}`}`);
  terminal.print(`  sluice gates ${out}${dataFlag(data)}`);
  terminal.print(`  sluice ablate ${out}${dataFlag(data)}`);
}

function dataFlag(data: OpenedData): string {
  return data.path === undefined ? "" : ` --data ${data.path}`;
}

/** A loss in the units of its field: bits per character, perplexity, root mean squared error in the unit of the table. */
export function perUnit({ dataset: { record } }: OpenedData, loss: number, metrics: Readonly<Record<string, number>>): string[] {
  if (record.kind === "table") return metrics.mse === undefined ? [] : [`rmse ${figure(Math.sqrt(metrics.mse), 4)}`];
  const others = Object.entries(metrics).map(([name, value]) => `${name} ${figure(value, 4)}`);
  if (record.kind !== "text") return others;
  return [record.unit === "character" ? `${figure(loss / Math.LN2, 4)} bits per character` : `perplexity ${figure(Math.exp(loss), 4)}`, ...others];
}

/** What a forecast has to beat, in the unit of the table. */
export function baselineLine({ forecast }: OpenedData, part: "valid" | "test"): string | undefined {
  if (forecast === undefined) return undefined;
  const { persistence, linear } = forecastBaselines(forecast, part);
  const others = linear === undefined ? "" : `, linear model of the last ${linear.order} values ${figure(linear.rmse, 4)}`;
  return `repeating the last value ${figure(persistence, 4)}${others}`;
}

function unitOf({ dataset }: OpenedData): string {
  const kind = kindOf(dataset);
  return kind === "character" ? "characters" : kind === "word" ? "words" : "time steps";
}

function nameOf(subject: string): string {
  return subject === "-" ? "model" : subject.replace(/^.*[/\\]/, "").replace(/\.gate$/, "");
}

/** The options that fix a run, without those that are of one call. */
function kept(flags: TrainFlags): TrainFlags {
  const { resume: _, ...rest } = flags as TrainFlags & { json?: boolean; quiet?: boolean };
  return rest;
}

function defined(flags: TrainFlags): Partial<TrainFlags> {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
}

/** @throws SluiceError E468 if the file of the run's data is no longer there */
function requireData(flags: TrainFlags): void {
  if (flags.data !== undefined && !existsSync(flags.data)) {
    throw new SluiceError("E468", `the run was begun with --data ${flags.data}, which is not there; run from the same folder, or give --data again`);
  }
}
