/**
 * The training loop: batches in, events and a trained model out. It draws nothing and prints nothing.
 *
 * A step fills the input buffers, calls the kernels twice (loss and gradients; update) and allocates nothing of its own. Everything that happens is a
 * function of the equations, the data, the options and the seed, whatever the machine does meanwhile.
 */
import type { Batch, BatchSource, Dataset } from "./data/dataset.ts";
import { type Compiled, compile, networkOf } from "../model/compiled.ts";
import { initialParameters } from "../model/initialize.ts";
import { type Model, modelOf, type TrainingSummary } from "../model/model.ts";
import { parameterLayout } from "../model/parameters.ts";
import { resolveSizes, sizesForInputs, type Sizes } from "../model/sizes.ts";
import { nowMs, pause } from "../runtime/platform.ts";
import { type ThreadPool, threadsFor } from "../runtime/wasm/threads.ts";
import { SluiceError } from "../support/diagnostic.ts";
import { requireKind } from "../support/options.ts";
import { derive } from "../support/random.ts";
import { type Checkpoint, checkpointToBytes, readCheckpoint, type Validation } from "./checkpoint.ts";
import { createEvaluator, type Evaluator, evaluatorMemory } from "./evaluate.ts";
import type { StopReason, TrainEvent } from "./events.ts";
import { learningRateAt } from "./learning-rate.ts";
import { describeNonFinite } from "./non-finite.ts";
import { biasCorrections, momentNames, optimizerGraph } from "./optimizer.ts";
import { planWithin } from "./memory-budget.ts";
import { readSettings, type Settings, type TrainOptions } from "./options.ts";
import { checkInputs, createPasses, type Passes } from "./passes.ts";
import { createSegmentedPasses } from "./segments.ts";
import { hasBinaryTarget, isWholeModel, wrapCell } from "./wrap-cell.ts";

/** A model with what its training came to. */
export interface TrainedModel extends Model {
  readonly training: TrainingSummary;
  readonly result: TrainResult;
}

export interface TrainResult {
  readonly reason: StopReason;
  /** Steps done in all, those before a resume included. */
  readonly steps: number;
  readonly bestStep?: number;
  /** Steps done before this run: 0 unless resumed. */
  readonly firstStep: number;
  /** Training loss of every step of this run. */
  readonly losses: Float32Array;
  readonly validations: readonly Validation[];
  /** A checkpoint of the last step: give it to `resume` to go on. */
  readonly checkpoint: Uint8Array;
}

/** Thrown when a value is not finite. Nothing is lost: `model` and `checkpoint` are those before the step that failed. */
export interface NonFiniteError extends SluiceError {
  readonly step: number;
  readonly model: Model;
  readonly checkpoint: Uint8Array;
}

/** Longest time without giving others their turn. */
const turnMs = 16;

/**
 * Trains the equations on a dataset. A cell without a loss is made a model first: what is read, the cell, a read-out, a loss (see wrap-cell.ts).
 * @throws SluiceError: the report of a text with errors; E450–E453 (sizes); E462 (options); E463 (unsuitable data); E464 (a NonFiniteError); E465 (resume)
 */
export async function train(compiled: Compiled, dataset: Dataset, options: TrainOptions = {}): Promise<TrainedModel> {
  const { pool, remark } =
    options?.threads !== undefined && options.threads > 1 && options.device !== "interpreter" ? await threadsFor(options.threads) : {};
  const run = prepare(compiled, dataset, options, pool);
  const { settings } = run;
  let reason: StopReason = "steps";
  run.emit({
    kind: "start",
    step: run.firstStep,
    steps: settings.steps,
    parameterCount: run.parameterCount,
    sizes: run.sizes,
    compileMs: nowMs() - run.startedMs,
    memoryBytes: run.passes.lane.executable.program.memoryBytes,
    segment: run.segment,
    keep: run.keep,
    threads: pool?.threads ?? 1,
    ...(remark !== undefined && { remark }),
  });
  let turn = nowMs();
  while (run.step < settings.steps) {
    if (settings.signal?.aborted) {
      reason = "aborted";
      break;
    }
    const broken = trainStep(run, dataset.train);
    if (broken !== undefined) await fail(run, broken);
    if (settings.validateEvery > 0 && (run.step % settings.validateEvery === 0 || run.step === settings.steps)) {
      await validate(run);
      if (outOfPatience(run)) {
        reason = "patience";
        break;
      }
    }
    if (settings.checkpointEvery > 0 && run.step % settings.checkpointEvery === 0 && run.step < settings.steps) await saveCheckpoint(run);
    if (nowMs() - turn > turnMs) {
      await pause();
      turn = nowMs();
    }
  }
  const checkpoint = await saveCheckpoint(run);
  run.emit({ kind: "stopped", step: run.step, reason, durationMs: nowMs() - run.startedMs });
  return finish(run, reason, checkpoint);
}

interface Run {
  readonly compiled: Compiled;
  readonly dataset: Dataset;
  readonly settings: Settings;
  readonly sizes: Sizes;
  readonly parameterCount: number;
  readonly passes: Passes;
  /** Steps of a segment; 0: batches run whole. */
  readonly segment: number;
  readonly keep: "usual" | "least";
  readonly evaluator?: Evaluator;
  readonly emit: (event: TrainEvent) => void;
  readonly startedMs: number;
  readonly firstStep: number;
  /** Losses of this run's steps so far, with room to grow. */
  losses: Float32Array;
  readonly validations: Validation[];
  /** Losses of `validations`, for the learning rate. */
  readonly validationLosses: number[];
  readonly slots: ReturnType<typeof parameterLayout>["slots"];
  readonly index: Model["index"];
  best?: Checkpoint["best"];
  step: number;
  lastLoss?: number;
}

/** The equations themselves, or a model around them if they define no loss. */
function trainable(given: Compiled, dataset: Dataset): Compiled {
  const network = networkOf(given);
  if (isWholeModel(network)) return given;
  const target = hasBinaryTarget(dataset) ? "binary" : "number";
  return compile(
    { name: given.source.name, text: wrapCell(given.source.text, network, dataset.inputs, { target }) },
    { library: given.options.library },
  );
}

function prepare(given: Compiled, dataset: Dataset, options: TrainOptions, pool: ThreadPool | undefined): Run {
  const startedMs = nowMs();
  networkOf(given);
  requireKind(typeof dataset?.train?.batchAt === "function", "what is trained on", "a dataset, such as textDataset(text)", dataset);
  const compiled = trainable(given, dataset);
  const network = networkOf(compiled);
  const settings = readSettings(network, options, dataset.valid !== undefined);
  const resumed = settings.resume === undefined ? undefined : resumeFrom(settings.resume, compiled, settings);
  const sizes = resumed?.sizes ?? resolveSizes(network, sizesForInputs(network, settings.sizes, dataset.inputs));
  const { slots, count } = parameterLayout(network, sizes);
  if (count === 0) throw new SluiceError("E463", `${network.name} has no weights, so there is nothing to train`);
  const index = new Map(slots.map((slot) => [slot.name, slot]));
  const device = { device: settings.device, fused: settings.fused, pool };
  const shared = { network, sizes, slots, index, device };
  const planned = {
    ...shared,
    source: dataset.train,
    mode: "train" as const,
    outputs: ["loss"],
    gradient: true,
    weightNoise: settings.weightNoise,
    units: [{ entry: "update", key: `${JSON.stringify(settings.optimizer)} ${count}`, graph: () => optimizerGraph(settings.optimizer, count) }],
  };
  const valid = settings.validateEvery > 0 ? dataset.valid : undefined;
  const validated = valid && { ...shared, source: valid };
  const validation = (segment: number): number => (validated === undefined ? 0 : evaluatorMemory(validated, settings.metrics, segment));
  const within = settings.memoryMiB === undefined ? undefined : planWithin(planned, settings.segment, settings.memoryMiB * 2 ** 20, validation);
  const wanted = within?.segment ?? settings.segment;
  const segment = wanted < dataset.train.capacity ? wanted : 0;
  const way = { ...planned, keep: within?.keep };
  const passes = segment > 0 ? createSegmentedPasses(way, segment) : createPasses(way);
  checkInputs(network, passes.lane.feed, dataset.inputs, dataset.name);
  const firstStep = resumed?.checkpoint.step ?? 0;
  const run: Run = {
    compiled,
    dataset,
    settings,
    sizes,
    parameterCount: count,
    passes,
    segment,
    keep: within?.keep ?? "usual",
    evaluator: validated && createEvaluator(validated, settings.metrics, within?.validationSegment ?? wanted),
    emit(event) {
      if (event.kind === "step") settings.onStep?.(event);
      settings.onEvent?.(event);
    },
    startedMs,
    firstStep,
    losses: new Float32Array(1024),
    validations: [...(resumed?.checkpoint.validations ?? [])],
    validationLosses: (resumed?.checkpoint.validations ?? []).map((validation) => validation.loss),
    slots,
    index,
    best: resumed?.checkpoint.best,
    step: firstStep,
    lastLoss: resumed?.loss,
  };
  const { executable, parameters } = passes.lane;
  parameters.set(resumed?.parameters ?? startingParameters(settings, slots, count));
  executable.buffers.get("optimizer:decays")?.set(decaysOf(slots, count));
  for (const [name, values] of Object.entries(resumed?.checkpoint.moments ?? {})) executable.buffers.get(`optimizer:${name}`)?.set(values);
  for (const [name, values] of Object.entries(resumed?.checkpoint.states ?? {})) executable.buffers.get(`state:${name}`)?.set(values);
  return run;
}

function startingParameters(settings: Settings, slots: Run["slots"], count: number): ArrayLike<number> {
  const given = settings.parameters;
  if (given === undefined) return initialParameters(slots, count, settings.seed);
  if (given.length !== count) throw new SluiceError("E459", `the network has ${count} parameters, but ${given.length} were given to begin with`);
  for (let i = 0; i < count; i++)
    if (!Number.isFinite(given[i])) throw new SluiceError("E457", `the parameter at position ${i} is ${given[i]}; a run begins with finite numbers`);
  return given;
}

// 1 where weight decay applies: matrices, not biases and other vectors.
function decaysOf(slots: Run["slots"], count: number): Float32Array {
  const decays = new Float32Array(count);
  for (const { offset, length, shape } of slots) if (shape.length >= 2) decays.fill(1, offset, offset + length);
  return decays;
}

// Parts of the settings that a resumed run must share with the run that it goes on with.
function fixedSettings({ optimizer, seed, clip, weightNoise, restartEvery, segment, memoryMiB }: Settings): Record<string, unknown> {
  return { optimizer, seed, clip, weightNoise, restartEvery, ...(segment > 0 && { segment }), ...(memoryMiB !== undefined && { memoryMiB }) };
}

function resumeFrom(bytes: Uint8Array, compiled: Compiled, settings: Settings) {
  const { model, checkpoint } = readCheckpoint(bytes);
  if (model.compiled.source.text !== compiled.source.text)
    throw new SluiceError("E465", "the checkpoint belongs to other equations; resume with the text that it was trained with, or begin anew");
  const own = fixedSettings(settings);
  for (const [name, value] of Object.entries(checkpoint.settings)) {
    if (JSON.stringify(value) !== JSON.stringify(own[name]))
      throw new SluiceError(
        "E465",
        `the checkpoint was made with ${name} ${JSON.stringify(value)}, this run has ${own[name] === undefined ? "none" : JSON.stringify(own[name])}; give the same`,
      );
  }
  for (const [name, value] of Object.entries(settings.sizes)) {
    if (model.sizes[name] !== value)
      throw new SluiceError("E465", `the checkpoint has ${name} = ${model.sizes[name]}, this run ${name} = ${value}; give the same`);
  }
  return { sizes: model.sizes, parameters: model.parameters, loss: model.training?.loss, checkpoint };
}

/** Integer seed of what is random in a step. */
function stepSeed(seed: number, step: number): number {
  return derive(seed, "step", step) & 0x7fffffff;
}

/** What was not finite in a step that failed. */
interface Broken {
  readonly what: "loss" | "norm of the gradient";
  readonly value: number;
  readonly batch: Batch;
  readonly seed: number;
}

function trainStep(run: Run, source: BatchSource): Broken | undefined {
  const { settings, passes } = run;
  const begun = nowMs();
  const given = source.batchAt(run.step);
  const restarts = given.carry && settings.restartEvery > 0 && run.step % settings.restartEvery === 0;
  const batch = restarts ? { ...given, carry: false } : given;
  const seed = stepSeed(settings.seed, run.step);
  const counted = passes.run(batch, seed);
  const { executable } = passes.lane;
  const { buffers } = executable;
  const loss = counted === 0 ? 0 : buffers.get("loss")![0];
  if (!Number.isFinite(loss)) return { what: "loss", value: loss, batch, seed };
  const rate = learningRateAt(settings.learningRate, run.step + 1, settings.steps, run.validationLosses);
  let norm = 0;
  if (counted > 0) {
    const { correction1, correction2 } = biasCorrections(settings.optimizer, run.step + 1);
    buffers.get("learning_rate")![0] = rate;
    buffers.get("clip")![0] = settings.clip;
    buffers.get("correction1")?.fill(correction1);
    buffers.get("correction2")?.fill(correction2);
    executable.run("update", 1); // nothing in an update depends on time
    norm = buffers.get("norm")![0];
    if (!Number.isFinite(norm)) return { what: "norm of the gradient", value: norm, batch, seed };
  }
  keepLoss(run, loss);
  run.lastLoss = loss;
  run.step++;
  if (settings.onStep === undefined && settings.onEvent === undefined) return undefined;
  const durationMs = nowMs() - begun;
  run.emit({ kind: "step", step: run.step, steps: settings.steps, loss, norm, learningRate: rate, durationMs, tokens: counted });
  return undefined;
}

function keepLoss(run: Run, loss: number): void {
  const place = run.step - run.firstStep;
  if (place === run.losses.length) {
    const longer = new Float32Array(2 * place);
    longer.set(run.losses);
    run.losses = longer;
  }
  run.losses[place] = loss;
}

async function fail(run: Run, { what, value, batch, seed }: Broken): Promise<never> {
  const { compiled, passes, settings } = run;
  const { executable, parameters } = passes.lane;
  const where = describeNonFinite({
    network: networkOf(compiled),
    source: compiled.source,
    slots: run.slots,
    device: { device: settings.device, fused: settings.fused },
    variant: passes.variant,
    batch,
    seed,
    parameters,
    states: passes.statesBefore(),
    gradients: what === "loss" ? undefined : (executable.buffers.get("gradients") as Float32Array),
  });
  for (const [name, values] of Object.entries(passes.statesBefore())) executable.buffers.get(`state:${name}`)!.set(values);
  const checkpoint = await saveCheckpoint(run);
  const cure = "The parameters are those before this step. Try a lower learning rate, a smaller clip, or look at the data of this batch";
  const error = new SluiceError("E464", `the ${what} is ${value} at step ${run.step + 1}: ${where}. ${cure}`);
  throw Object.assign(error, { step: run.step + 1, model: modelWith(run, parameters.slice(), summaryOf(run, "non-finite")), checkpoint });
}

async function validate(run: Run): Promise<void> {
  if (run.evaluator === undefined) return;
  const begun = nowMs();
  const { parameters } = run.passes.lane;
  const { loss, metrics } = await run.evaluator.measure(parameters, { batches: run.settings.validationBatches });
  run.validations.push({ step: run.step, loss, metrics });
  run.validationLosses.push(loss);
  const best = loss < (run.best?.loss ?? Infinity);
  if (best) run.best = { step: run.step, loss, parameters: parameters.slice() };
  run.emit({ kind: "validation", step: run.step, loss, metrics, best, durationMs: nowMs() - begun });
}

function outOfPatience({ settings, validations, best }: Run): boolean {
  if (settings.patience === undefined) return false;
  return validations.filter(({ step }) => step > (best?.step ?? 0)).length >= settings.patience;
}

async function saveCheckpoint(run: Run): Promise<Uint8Array> {
  const { settings, passes, step } = run;
  const { executable, states, parameters } = passes.lane;
  const moments = Object.fromEntries(
    momentNames(settings.optimizer).map((name) => [name, executable.buffers.get(`optimizer:${name}`) as Float32Array]),
  );
  const bytes = checkpointToBytes(partsWith(run, parameters, summaryOf(run)), {
    step,
    settings: fixedSettings(settings),
    validations: run.validations,
    moments,
    states: Object.fromEntries(states.map(({ name, view }) => [name, view])),
    best: run.best,
  });
  if (settings.saveCheckpoint !== undefined) {
    await settings.saveCheckpoint(bytes, step);
    run.emit({ kind: "checkpoint", step, sizeBytes: bytes.length });
  }
  return bytes;
}

function summaryOf(run: Run, reason?: string): TrainingSummary {
  const { step, lastLoss, best, validations, settings, dataset } = run;
  return {
    steps: step,
    ...(lastLoss === undefined ? {} : { loss: lastLoss }),
    ...(validations.length > 0 ? { validationLoss: best?.loss ?? validations[validations.length - 1].loss, bestStep: best?.step } : {}),
    ...(reason === undefined ? {} : { reason }),
    optimizer: settings.optimizer.kind,
    dataset: dataset.name,
    window: dataset.train.capacity,
  };
}

function partsWith({ compiled, sizes, settings, index, dataset }: Run, parameters: Float32Array, training: TrainingSummary) {
  return { compiled, sizes, seed: settings.seed, parameters, index, record: dataset.record, training };
}

function modelWith(run: Run, parameters: Float32Array, training: TrainingSummary): Model {
  const { device, fused } = run.settings;
  return modelOf({ ...partsWith(run, parameters, training), device, fused });
}

function finish(run: Run, reason: StopReason, checkpoint: Uint8Array): TrainedModel {
  const { passes, settings, best, step, firstStep, losses, validations } = run;
  const parameters = (settings.keepBest ? best?.parameters : undefined) ?? passes.lane.parameters;
  const training = summaryOf(run, reason);
  const result: TrainResult = {
    reason,
    steps: step,
    bestStep: best?.step,
    firstStep,
    losses: losses.slice(0, step - firstStep),
    validations,
    checkpoint,
  };
  // The time taken is told but not kept: the same run gives the same file.
  return Object.assign(modelWith(run, parameters.slice(), training), { training: { ...training, durationMs: nowMs() - run.startedMs }, result });
}
