/**
 * `sluice demo`: a peephole LSTM from its equations, compiled, checked, trained on a task that needs each gate, and looked into, in seconds.
 *
 * Every word is made from this run: counts from the compiler, captions from thresholds on the recorded gates, worths from ablation. Nothing is written
 * to disk.
 */
import { compileProgram, lower } from "../../compile.ts";
import { ablate, type AblationRow } from "../../inspect/ablate.ts";
import { captionOf } from "../../inspect/caption.ts";
import { checkModelGradient } from "../../inspect/check-model.ts";
import { bar, bytes, counted, duration, figure, gateRow, grouped, pad, shorten, sparkline, textWidth, wrap } from "../../inspect/draw.ts";
import { meanOverUnits, type Recording } from "../../inspect/gates.ts";
import { createModel, type Model } from "../../model/model.ts";
import { parameterLayout } from "../../model/parameters.ts";
import { resolveSizes, sizesForInputs } from "../../model/sizes.ts";
import { loadProgram } from "../../runtime/wasm/load.ts";
import type { Batch } from "../../train/data/dataset.ts";
import { evaluate } from "../../train/evaluate.ts";
import { train } from "../../train/loop.ts";
import type { RenderedExample } from "../../train/tasks/task.ts";
import { type CommandDefinition, type Context, numberOption } from "../command.ts";
import { openData, type OpenedData } from "../dataset-options.ts";
import { EXIT } from "../exit-code.ts";
import { recipeFor, type Recipe } from "../recipe.ts";
import type { Terminal } from "../terminal.ts";
import { distinctGates } from "./gates.ts";

const CELL = "peephole_lstm";
const HIDDEN = 12;
const LEARNING_RATE = 1e-2;
const CHECKED_SEQUENCES = 2;
const TOLERANCE = 1e-3; // float32 kernels against float64 differences

interface DemoFlags {
  readonly seed: number;
  readonly steps: number;
}

export const demo: CommandDefinition<DemoFlags> = {
  name: "demo",
  summary: "train a small LSTM and look into its gates, in seconds",
  examples: ["sluice demo", "sluice demo --seed 7 --json"],
  options(command) {
    command
      .option("--seed <number>", "fixes everything that is random", numberOption("--seed", { least: 0, whole: true }), 2024)
      .option("--steps <number>", "training steps", numberOption("--steps", { least: 20, whole: true }), 600);
  },
  async run(context, _args, flags) {
    const data = openData({ task: "flag-recall", batch: 32 }, flags.seed);
    const recipe = recipeFor(CELL, data, { hidden: HIDDEN });
    const findings = compileAndCheck(recipe, data, flags.seed);
    tellCompiled(context, recipe, data, findings);
    const trained = await trainOn(context, recipe, data, flags);
    if (context.signal.aborted) return EXIT.interrupted;
    tellTrained(context, trained, flags.steps);
    const example = await lookInto(trained.model, data);
    tellExample(context, example);
    const rows = await worths(trained.model, data, recipe);
    tellWorths(context, rows, trained.accuracy);
    if (context.json) {
      context.emit({
        cell: CELL,
        sizes: trained.model.sizes,
        parameters: trained.model.parameterCount,
        ...findings,
        seed: flags.seed,
        steps: flags.steps,
        loss: trained.loss,
        accuracy: trained.accuracy,
        trainingMs: trained.durationMs,
        example,
        ablation: rows,
      });
    } else tellNext(context.terminal);
    return findings.largestRelativeError < TOLERANCE ? EXIT.ok : EXIT.content;
  },
};

interface Checked {
  readonly compileMs: number;
  readonly forwardKernels: number;
  readonly backwardKernels: number;
  readonly wasmBytes: number;
  readonly largestRelativeError: number;
  readonly coordinates: number;
}

/** Compiles the training program of the recipe and judges its gradient. */
function compileAndCheck(recipe: Recipe, { dataset }: OpenedData, seed: number): Checked {
  const { network, compiled } = recipe;
  const model = createModel(compiled, { sizes: allSizes(recipe, dataset.inputs), seed });
  const batch = firstSequences(dataset.train.batchAt(0), CHECKED_SEQUENCES);
  const shared = {
    sizes: model.sizes,
    batch: dataset.train.batch,
    mode: "train",
    initial: "fresh",
    lengths: false,
    reset: false,
    outputs: ["loss"],
  } as const;
  const options = {
    capacity: dataset.train.capacity,
    batch: dataset.train.batch,
    weights: parameterLayout(network, model.sizes).slots.map(({ name, shape }) => ({ name, shape })),
  };
  const started = performance.now();
  const { program } = compileProgram([{ entry: "step", graph: lower(network, { ...shared, gradient: { of: "loss", inputs: [] } }).graph }], options);
  loadProgram(program);
  const compileMs = performance.now() - started;
  const forward = compileProgram([{ entry: "step", graph: lower(network, shared).graph }], options).program;
  const scans = (steps: typeof program): number => steps.entries.flatMap((entry) => entry.steps).filter((step) => step.kind === "scan").length;
  const check = checkModelGradient(network, model.sizes, model.parameters, batch);
  return {
    compileMs,
    forwardKernels: scans(forward),
    backwardKernels: scans(program) - scans(forward),
    wasmBytes: program.wasm.length,
    largestRelativeError: check.largestRelativeError,
    coordinates: check.coordinates,
  };
}

function allSizes(recipe: Recipe, inputs: OpenedData["dataset"]["inputs"]): Readonly<Record<string, number>> {
  return resolveSizes(recipe.network, sizesForInputs(recipe.network, recipe.sizes, inputs));
}

/** The first rows of a batch. */
function firstSequences(batch: Batch, count: number): Batch {
  const rows = Math.min(count, batch.batch);
  const cut = <A extends Float32Array | Int32Array>(values: A): A => {
    const width = values.length / (batch.steps * batch.batch);
    const part = values.slice(0, batch.steps * rows * width);
    for (let t = 0; t < batch.steps; t++) part.set(values.subarray(t * batch.batch * width, (t * batch.batch + rows) * width), t * rows * width);
    return part as A;
  };
  return {
    steps: batch.steps,
    batch: rows,
    inputs: Object.fromEntries(Object.entries(batch.inputs).map(([name, values]) => [name, cut(values)])),
    lengths: batch.lengths?.slice(0, rows),
    lossMask: batch.lossMask && cut(batch.lossMask),
    carry: false,
  };
}

function tellCompiled({ terminal, json }: Context, recipe: Recipe, { task, dataset }: OpenedData, checked: Checked): void {
  if (json) return;
  const { network } = recipe;
  const cell = network.values.filter((value) => value.name.startsWith("h.")).length;
  const parameters = parameterLayout(network, allSizes(recipe, dataset.inputs)).count;
  const ok = checked.largestRelativeError < TOLERANCE;
  const chance = dataset.record.kind === "task" ? (task?.score(dataset.record.options).chance ?? 0) : 0;
  terminal.print();
  line(terminal, "cell", [
    `${CELL.replaceAll("_", " ").replace("lstm", "LSTM")}, ${counted(cell, "equation")}`,
    `${counted(dataset.inputs.x.size, "input")}, ${counted(HIDDEN, "unit")}, ${counted(parameters, "weight")}`,
  ]);
  line(terminal, "compiled", [
    `${checked.forwardKernels} forward + ${counted(checked.backwardKernels, "backward kernel")}`,
    `${bytes(checked.wasmBytes)}, ${Math.round(checked.compileMs)} ms`,
  ]);
  line(terminal, "checked", [
    `gradients against finite differences at ${checked.coordinates} places`,
    `largest relative error ${figure(checked.largestRelativeError, 2)}   ${ok ? terminal.green("ok") : terminal.red("WRONG")}`,
  ]);
  line(terminal, "task", [`${task!.title}`, `chance ${Math.round(100 * chance)} %`]);
  terminal.print();
}

/** A labelled line; its parts are set on lines of their own where they do not fit beside each other. */
function line(terminal: Terminal, label: string, parts: readonly string[]): void {
  const whole = parts.join(", ");
  const room = terminal.width - LABEL_WIDTH;
  const lines = visibleWidth(whole) <= room ? [whole] : parts.flatMap((part) => (visibleWidth(part) <= room ? [part] : wrap(part, room)));
  lines.forEach((text, i) => terminal.print(`  ${pad(i === 0 ? label : "", LABEL_WIDTH - 2)}${text}`));
}

const LABEL_WIDTH = 12;
const COLOR = /\u001b\[\d+m/g;
const visibleWidth = (text: string): number => textWidth(text.replace(COLOR, ""));

interface Trained {
  readonly model: Model;
  readonly loss: number;
  readonly accuracy: number;
  /** Accuracy at each validation. */
  readonly curve: readonly number[];
  readonly durationMs: number;
}

async function trainOn(context: Context, recipe: Recipe, { dataset }: OpenedData, flags: DemoFlags): Promise<Trained> {
  const started = performance.now();
  const trained = await train(recipe.compiled, dataset, {
    sizes: recipe.sizes,
    steps: flags.steps,
    seed: flags.seed,
    learningRate: { kind: "cosine", rate: LEARNING_RATE, final: LEARNING_RATE / 20 },
    validateEvery: Math.max(1, Math.round(flags.steps / 24)),
    keepBest: false,
    metrics: recipe.metrics,
    signal: context.signal,
    onStep: ({ step, steps, loss }) => context.terminal.progress(`  training  step ${step}/${steps}   loss ${figure(loss, 3)}`),
  });
  context.terminal.settle();
  const { validations } = trained.result;
  return {
    model: trained,
    loss: validations.at(-1)?.loss ?? NaN,
    accuracy: validations.at(-1)?.metrics.accuracy ?? NaN,
    curve: validations.map((validation) => validation.metrics.accuracy),
    durationMs: performance.now() - started,
  };
}

function tellTrained({ terminal, json }: Context, trained: Trained, steps: number): void {
  if (json) return;
  const curve = sparkline(trained.curve, { low: 0, high: 1, ascii: terminal.ascii });
  line(terminal, "training", [
    `${terminal.cyan(curve)}  ${grouped(steps)} steps, ${duration(trained.durationMs / 1000)}`,
    `loss ${figure(trained.loss, 2)}, accuracy ${Math.round(100 * trained.accuracy)} %`,
  ]);
  terminal.print();
}

interface Looked extends RenderedExample {
  readonly answer: string;
  readonly probability: number;
  readonly rows: readonly {
    readonly gate: string;
    readonly role: string;
    readonly values: readonly number[];
    readonly range: readonly [number, number];
    readonly caption: string;
  }[];
}

/** Reads one unseen example and records the gates. */
async function lookInto(model: Model, { dataset, task }: OpenedData): Promise<Looked> {
  const options = dataset.record.kind === "task" ? dataset.record.options : undefined;
  const batch = firstSequences(dataset.test!.batchAt(0), 1);
  const example = task!.render(batch, 0, options);
  const gates = distinctGates(model.network.gates);
  const answer = model.network.outputs[0];
  const { x } = batch.inputs;
  const shape = [batch.steps, x.length / batch.steps];
  const values = model.run({ x: { data: x, shape } }, { outputs: [answer, ...gates.map((gate) => gate.value)] });
  const classes = values[answer].shape.at(-1)!;
  const last = example.wanted[0].step;
  const probabilities = softmax(values[answer].data.subarray(last * classes, (last + 1) * classes));
  const best = probabilities.indexOf(Math.max(...probabilities));
  const places = example.symbols.map((symbol, t) => (example.symbols[t - 1] === "!" ? "the digit after “!”" : `“${symbol}”`));
  return {
    ...example,
    answer: String(best),
    probability: probabilities[best],
    rows: gates.map((gate) => {
      const { data, shape: own } = values[gate.value];
      const recording: Recording = { name: gate.name, values: data, steps: own[0], batch: 1, units: own.slice(1).reduce((a, b) => a * b, 1) };
      const means = [...meanOverUnits(recording)];
      return { gate: gate.name, role: gate.role, values: means, range: gate.range, caption: captionOf(means, places, gate.range) };
    }),
  };
}

function softmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  const greatest = Math.max(...values);
  const weights = values.map((value) => Math.exp(value - greatest));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}

function tellExample({ terminal, json }: Context, example: Looked): void {
  if (json) return;
  const right = example.answer === example.wanted[0].text;
  const gap = terminal.width >= LABEL_WIDTH + 2 * example.symbols.length + 8 ? " " : "";
  const verdict = `${terminal.ascii ? "->" : "→"} ${right ? terminal.green(example.answer) : terminal.red(example.answer)}   (p ${example.probability.toFixed(2)})`;
  terminal.print(`  ${pad("", LABEL_WIDTH - 2)}${example.symbols.join(gap)}      ${verdict}`);
  for (const row of example.rows) {
    const drawn = gateRow(row.values, row.range, { ascii: terminal.ascii, gap });
    const room = terminal.width - LABEL_WIDTH - textWidth(drawn) - 6;
    const caption = room >= 8 ? shorten(row.caption, room, terminal) : "";
    terminal.print(
      `  ${pad(row.role === "other" ? row.gate : row.role, LABEL_WIDTH - 2)}${terminal.cyan(drawn)}      ${terminal.dim(caption)}`.trimEnd(),
    );
  }
  terminal.print();
}

/** The accuracy with gates held, for those that are told in the demo: each open, and the gate that carries shut. */
async function worths(model: Model, { dataset }: OpenedData, recipe: Recipe): Promise<readonly AblationRow[]> {
  const source = dataset.test!;
  const gates = distinctGates(model.network.gates);
  const measure = async (clamps?: Record<string, number>): Promise<number> =>
    (await evaluate(model, source, { metrics: recipe.metrics, batches: 16, clamps })).metrics.accuracy;
  const held = (hold: { clamp: { value: string; to: { kind: string; value?: number } } } | undefined): Promise<number> =>
    measure(hold && { [hold.clamp.value]: hold.clamp.to.value ?? 0 });
  const open = await ablate(gates, ["one"], new Map(), held);
  const shut = await ablate(
    gates.filter((gate) => gate.role === "forget"),
    ["zero"],
    new Map(),
    held,
  );
  const place = (row: AblationRow): number => gates.findIndex((gate) => gate.name === row.gate);
  return [...open.rows, ...shut.rows].sort((a, b) => place(a) - place(b));
}

function tellWorths({ terminal, json }: Context, rows: readonly AblationRow[], accuracy: number): void {
  if (json) return;
  const cells = rows.map(
    (row) => `${pad(row.label, 6)} ${pad(`${Math.round(100 * row.metric)} %`, 5, "left")}  ${pad(bar(row.metric, 10, terminal), 10)}`,
  );
  const perLine = Math.max(1, Math.floor((terminal.width - LABEL_WIDTH) / (textWidth(cells[0] ?? "") + 2)));
  for (let i = 0; i < cells.length; i += perLine) {
    terminal.print(`  ${pad(i === 0 ? "without" : "", LABEL_WIDTH - 2)}${cells.slice(i, i + perLine).join("  ")}`.trimEnd());
  }
  for (const text of wrap(`accuracy with one gate held fixed; ${Math.round(100 * accuracy)} % as trained`, terminal.width - LABEL_WIDTH)) {
    terminal.print(terminal.dim(`  ${pad("", LABEL_WIDTH - 2)}${text}`));
  }
  terminal.print();
}

function tellNext(terminal: Terminal): void {
  const next = [
    ["sluice explain peephole_lstm", "what the compiler found in the equations"],
    ["sluice new my-cell", "your own equations and data"],
    ["sluice train lstm --data FILE.txt", "a model of a text, with gates to look at"],
  ];
  next.forEach(([command, meaning], i) => {
    const text = `${pad(command, 34)} ${meaning}`;
    terminal.print(`  ${pad(i === 0 ? "next" : "", LABEL_WIDTH - 2)}${textWidth(text) + LABEL_WIDTH <= terminal.width ? text : command}`);
  });
  terminal.print();
}
