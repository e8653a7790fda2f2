/**
 * `sluice gates MODEL`: what the gates of a trained model do: how open they are, how often they saturate, how long they remember, and how they move
 * over an example.
 */
import { figure, gateRow, level, pad, sparkline, table, textWidth } from "../../inspect/draw.ts";
import { carryOf, complementOf, type GateStatistics, gateStatistics, meanOverUnits, type Recording } from "../../inspect/gates.ts";
import { type EquivalentAttention, equivalentAttention } from "../../inspect/equivalent-attention.ts";
import { record as recordValues } from "../../inspect/record.ts";
import type { GateDeclaration } from "../../ir/network/node.ts";
import { SluiceError } from "../../support/diagnostic.ts";
import type { Batch } from "../../train/data/dataset.ts";
import { decodeText, encodeText } from "../../train/data/text.ts";
import { shortGateNames } from "../../model/gate-names.ts";
import type { Model } from "../../model/model.ts";
import { type CommandDefinition, type Context, numberOption, usageError } from "../command.ts";
import { addDataOptions } from "../dataset-options.ts";
import { EXIT } from "../exit-code.ts";
import { readModel } from "../subject.ts";
import { openModel, type OpenedModel, type PartFlags } from "./eval.ts";
import { textRecord } from "./sample.ts";

interface GatesFlags extends PartFlags {
  readonly input?: string;
  readonly batches: number;
  readonly units?: boolean;
  readonly attention?: string;
}

export const gates: CommandDefinition<GatesFlags> = {
  name: "gates",
  arguments: "<model>",
  summary: "show what the gates of a trained model do",
  examples: [
    "sluice gates flag.safetensors",
    "sluice gates lstm.safetensors --data shakespeare.txt",
    'sluice gates lstm.safetensors --input "To be, or not to be"',
    'sluice gates model.safetensors --attention v:y --input "ROMEO:"',
  ],
  options(command) {
    addDataOptions(command);
    command
      .option("--part <name>", "which part of the data: train, valid, test, all")
      .option("--input <text>", "a text to read instead of data")
      .option("--batches <number>", "batches to look at", numberOption("--batches", { least: 1, whole: true }), 10)
      .option(
        "--attention <value:output>",
        "instead: how much of a written value is read at each later step, as the attention matrix that the network is equal to",
      )
      .option("--units", "every unit by itself");
  },
  async run(context, [path], flags) {
    const opened = flags.input === undefined ? openModel(path, flags) : undefined;
    const model = opened?.model ?? readModel(path);
    if (flags.attention !== undefined) return showAttention(context, model, opened, path, flags.attention, flags.input);
    const found = distinctGates(model.network.gates);
    if (found.length === 0) throw new SluiceError("E486", `${model.network.name} has no gate; \`sluice explain ${path}\` shows what it has`);
    const names = found.map((gate) => gate.value);
    let all: ReadonlyMap<string, Recording>;
    let first: ReadonlyMap<string, Recording>;
    let symbols: readonly string[];
    if (opened !== undefined) {
      const batches = Math.min(flags.batches, opened.source.batchesPerPass ?? flags.batches);
      const recorded = await recordValues(model, opened.source, names, batches, context.signal);
      all = recorded.all;
      first = recorded.first;
      symbols = exampleSymbols(opened, recorded.firstBatch);
    } else {
      const record = textRecord(model, path);
      const tokens = encodeText(record, flags.input!);
      if (tokens.length === 0) throw new SluiceError("E490", "--input must hold at least one symbol");
      const values = model.run(tokens, { outputs: names });
      first = new Map(names.map((name) => [name, asRecording(name, values[name])]));
      all = first;
      symbols = Array.from(tokens, (token) => decodeText(record, [token]));
    }
    const statistics = found.map((gate): GateRow => {
      const recording = all.get(gate.value)!;
      const carry = carryOf(model.network, gate);
      const memory = carry && gateStatistics(carry === "value" ? recording : complementOf(recording)).units.map((unit) => unit.timeConstant);
      return { gate, statistics: gateStatistics(recording, gate.range), ...(memory && { timeConstants: memory }) };
    });
    if (context.json) {
      const example = found.map((gate) => ({ gate: gate.name, mean: meanOverUnits(first.get(gate.value)!) }));
      context.emit({
        model: path,
        gates: statistics.map(({ gate, statistics: s, timeConstants }) => ({ ...gate, ...s, name: gate.name, timeConstants })),
        example: { symbols, rows: example },
      });
    } else drawGates(context, statistics, first, symbols, flags.units ?? false);
    return EXIT.ok;
  },
};

/** Longest example whose attention is shown. */
const ATTENTION_STEPS = 64;

function showAttention(
  context: Context,
  model: Model,
  opened: OpenedModel | undefined,
  path: string,
  pair: string,
  text: string | undefined,
): number {
  const [value, output] = pair.split(":");
  if (!value || !output) throw usageError(`--attention takes what is written and what is read, as in v:y, not “${pair}”`);
  const { inputs, symbols } = opened === undefined ? textExample(model, path, text!) : firstExample(opened);
  const steps = Math.min(ATTENTION_STEPS, Object.values(inputs)[0].steps);
  const arrays = Object.fromEntries(Object.entries(inputs).map(([name, { values, row }]) => [name, values.subarray(0, steps * row)]));
  const found = equivalentAttention(model, { value, output, inputs: arrays, steps });
  if (context.json)
    context.emit({ model: path, value, output, steps, heads: found.heads, symbols: symbols.slice(0, steps), matrix: Array.from(found.matrix) });
  else drawAttention(context, found, symbols);
  return EXIT.ok;
}

type ExampleInputs = Readonly<Record<string, { readonly values: Float32Array | Int32Array; readonly row: number; readonly steps: number }>>;

function textExample(model: Model, path: string, text: string): { inputs: ExampleInputs; symbols: readonly string[] } {
  const record = textRecord(model, path);
  const tokens = Int32Array.from(encodeText(record, text));
  if (tokens.length === 0) throw new SluiceError("E490", "--input must hold at least one symbol");
  return { inputs: { token: { values: tokens, row: 1, steps: tokens.length } }, symbols: Array.from(tokens, (token) => decodeText(record, [token])) };
}

/** The first sequence of the first batch, by itself. */
function firstExample(opened: OpenedModel): { inputs: ExampleInputs; symbols: readonly string[] } {
  const batch = opened.source.batchAt(0);
  const steps = batch.lengths?.[0] ?? batch.steps;
  const inputs = Object.entries(batch.inputs).map(([name, values]) => {
    const row = values.length / batch.batch / Math.round(values.length / batch.batch / Math.max(1, featuresOf(opened, name)));
    const own = values.filter((_, i) => Math.floor(i / row) % batch.batch === 0);
    return [name, { values: own, row, steps }] as const;
  });
  return { inputs: Object.fromEntries(inputs), symbols: exampleSymbols(opened, batch) };
}

function featuresOf({ data }: OpenedModel, name: string): number {
  const input = data.dataset.inputs[name];
  return input === undefined || input.type === "index" ? 1 : input.size;
}

const SHADES = " ░▒▓█";
const ASCII_SHADES = " .:*#";

function drawAttention({ terminal }: Context, { steps, heads, matrix }: EquivalentAttention, symbols: readonly string[]): void {
  const shades = terminal.ascii ? ASCII_SHADES : SHADES;
  for (let n = 0; n < heads; n++) {
    if (heads > 1) terminal.print(terminal.dim(`head ${n + 1}`));
    for (let t = 0; t < steps; t++) {
      const row = matrix.subarray((n * steps + t) * steps, (n * steps + t + 1) * steps);
      const most = row.reduce((greatest, one) => Math.max(greatest, Math.abs(one)), 0);
      const cells = Array.from(row.subarray(0, t + 1), (one) => shades[most === 0 ? 0 : Math.min(4, Math.floor((4.999 * Math.abs(one)) / most))]);
      terminal.print(`  ${pad(visible(symbols[t] ?? String(t + 1)), 4)} ${cells.join("")}`);
    }
  }
  terminal.print(terminal.dim("  a row is a step that reads, a column one that was written; darkest: the most that this row reads"));
}

interface GateRow {
  readonly gate: GateDeclaration;
  readonly statistics: GateStatistics;
  /** Of each unit, for a gate that keeps a state. */
  readonly timeConstants?: readonly number[];
}

/** Gates that are values of their own, each once, by their short names ("f" of "h.f") where those are different. */
export function distinctGates(all: readonly GateDeclaration[]): GateDeclaration[] {
  const distinct = all.filter((gate, i) => all.findIndex((other) => other.value === gate.value) === i);
  return shortGateNames(distinct).map(([name, gate]) => ({ ...gate, name }));
}

function asRecording(name: string, { data, shape }: { readonly data: Float32Array; readonly shape: readonly number[] }): Recording {
  return { name, values: data, steps: shape[0], batch: 1, units: shape.slice(1).reduce((a, b) => a * b, 1) };
}

/** What stands over the columns of an example: characters, symbols of a task, else nothing. */
function exampleSymbols({ data, model }: OpenedModel, batch: Batch): readonly string[] {
  const length = batch.lengths?.[0] ?? batch.steps;
  const { record } = data.dataset;
  if (data.task !== undefined && record.kind === "task") return data.task.render(batch, 0, record.options).symbols;
  if (model.record?.kind === "text") {
    const textModel = model.record;
    return Array.from({ length }, (_, t) => decodeText(textModel, [batch.inputs.token[t * batch.batch]]));
  }
  return [];
}

function drawGates(
  { terminal }: Context,
  statistics: readonly GateRow[],
  first: ReadonlyMap<string, Recording>,
  symbols: readonly string[],
  units: boolean,
): void {
  const options = { ascii: terminal.ascii };
  const rows = [
    ["gate", "role", "mean", "shut", "open", "distribution", "remembers"],
    ...statistics.map(({ gate, statistics: s, timeConstants }) => [
      gate.name,
      gate.role,
      figure(s.mean, 3),
      `${Math.round(100 * s.left)} %`,
      `${Math.round(100 * s.right)} %`,
      sparkline(s.histogram, { low: 0, ...options }),
      timeConstants ? memoryText(timeConstants) : "",
    ]),
  ];
  for (const [i, line] of table(rows, [2, 3, 4]).entries()) terminal.print(i === 0 ? terminal.dim(line) : line);
  if (units) for (const row of statistics) drawUnits(terminal, row, options);
  const shown = symbols.length > 0 && symbols.every((symbol) => textWidth(symbol) <= 1) ? symbols : undefined;
  const nameWidth = Math.max(5, ...statistics.map(({ gate }) => textWidth(gate.name)));
  const room = Math.max(8, Math.min(shown?.length ?? 64, Math.floor((terminal.width - nameWidth - 4) / (shown ? 2 : 1))));
  const gap = shown ? " " : "";
  terminal.print();
  if (shown) terminal.print(`  ${pad("", nameWidth)}  ${shown.slice(0, room).map(visible).join(gap)}`);
  for (const { gate } of statistics) {
    const means = meanOverUnits(first.get(gate.value)!).slice(0, room);
    terminal.print(`  ${pad(gate.name, nameWidth)}  ${gateRow(means, gate.range, { ...options, gap })}`);
  }
  terminal.print(terminal.dim(`  mean over the units at each time step; ${level(0, 0, 1, options)} shut, ${level(1, 0, 1, options)} open`));
}

function drawUnits(terminal: Context["terminal"], { gate, statistics, timeConstants }: GateRow, options: { ascii: boolean }): void {
  terminal.print();
  const order = statistics.units
    .map((unit, index) => ({ unit, index }))
    .sort((a, b) => (timeConstants ? timeConstants[b.index] - timeConstants[a.index] : b.unit.mean - a.unit.mean));
  const rows = order.map(({ unit, index }) => [
    `  ${gate.name}[${index + 1}]`,
    figure(unit.mean, 3),
    level(unit.mean, gate.range[0], gate.range[1], options),
    `shut ${Math.round(100 * unit.left)} %`,
    `open ${Math.round(100 * unit.right)} %`,
    timeConstants ? `τ ${steps(timeConstants[index])}` : "",
  ]);
  for (const line of table(rows, [1])) terminal.print(line);
}

/** Median and longest time constant over the units. */
function memoryText(timeConstants: readonly number[]): string {
  const sorted = [...timeConstants].sort((a, b) => a - b);
  return `${steps(sorted[Math.floor(sorted.length / 2)])} steps, at most ${steps(sorted.at(-1) ?? 0)}`;
}

function steps(count: number): string {
  return count > 9999 ? "> 9 999" : figure(count, 2);
}

/** Blanks and line ends made visible. */
function visible(symbol: string): string {
  return symbol === "\n" ? "↵" : symbol === " " ? "␣" : symbol === "\t" ? "⇥" : symbol;
}
