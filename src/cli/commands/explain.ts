/**
 * `sluice explain SUBJECT`: what a network is, and what the compiler made of it.
 *
 * Sizes that are not given are taken from the model file, else from `--default-size`. `--after PHASE` prints that phase's output instead, `--diff`
 * its difference from the phase before.
 */
import { compileProgram, lower } from "../../compile.ts";
import type { Network } from "../../ir/network/node.ts";
import type { Variant } from "../../ir/network/variant.ts";
import { printLoopModule } from "../../ir/loop/print.ts";
import { printGraph } from "../../ir/tensor/print.ts";
import { alignGraphs } from "../../inspect/align-graphs.ts";
import { figure } from "../../inspect/draw.ts";
import { diffLines, drawDiff } from "../../inspect/diff-lines.ts";
import { drawExplanation } from "../../inspect/draw-explanation.ts";
import { explain } from "../../inspect/explain.ts";
import { findingsOf } from "../../inspect/findings.ts";
import { keptForGradients, keptSentences } from "../../inspect/kept.ts";
import { networkOf } from "../../model/compiled.ts";
import { parameterLayout } from "../../model/parameters.ts";
import { resolveSizes, type Sizes, sizesForInputs, sizeValue } from "../../model/sizes.ts";
import { type MemoryPlan, planTraining } from "../../train/memory-budget.ts";
import { isWholeModel, wrapCell } from "../../train/wrap-cell.ts";
import { type CommandDefinition, type Context, numberOption, sizeOption, usageError } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { compileText, isModelFile, readModel, readSource } from "../subject.ts";

const PHASES = ["build", "differentiate", "simplify", "loops"] as const;
type Phase = (typeof PHASES)[number];

interface ExplainOptions {
  readonly size?: Readonly<Record<string, number>>;
  readonly defaultSize: number;
  readonly batch: number;
  readonly steps: number;
  readonly after?: string;
  readonly diff?: boolean;
  readonly forward?: boolean;
  readonly memory?: number;
  readonly block?: string;
}

export const explainCommand: CommandDefinition<ExplainOptions> = {
  name: "explain",
  arguments: "<subject>",
  summary: "explain a network: gates, sizes, weights, cost, what the compiler did",
  examples: [
    "sluice explain lstm",
    "sluice explain my-cell.gate --size H=64 --size D=8",
    "sluice explain model.safetensors --json",
    "sluice explain gru --after simplify --diff",
    "sluice explain lstm --batch 32 --steps 512 --memory 8",
  ],
  options(command) {
    command
      .option("--size <name=number>", "value of a size; may be repeated", sizeOption)
      .option("--default-size <number>", "value of the sizes that are not given", numberOption("--default-size", { least: 1, whole: true }), 64)
      .option("--batch <number>", "sequences side by side", numberOption("--batch", { least: 1, whole: true }), 1)
      .option("--steps <number>", "room for this many time steps", numberOption("--steps", { least: 1, whole: true }), 64)
      .option("--after <phase>", `print the output of a phase: ${PHASES.join(", ")}`)
      .option("--diff", "with --after: only what the phase changed")
      .option("--forward", "without gradients")
      .option(
        "--memory <MiB>",
        "how training would keep to so much memory (train --memory): what is kept, what is computed again, in which segments",
        numberOption("--memory", { least: 0 }),
      )
      .option("--block <name>", "the main block, if it is not the last that no other block calls");
  },
  run(context, [subject], options) {
    if (options.after !== undefined && !PHASES.includes(options.after as Phase)) {
      throw usageError(`there is no phase ${options.after}; phases: ${PHASES.join(", ")}`);
    }
    if (options.diff && options.after === undefined) throw usageError("--diff needs --after PHASE");
    if (options.forward && options.memory !== undefined) throw usageError("--memory is about training; leave out --forward");
    const { network, sizes, text } = networkAndSizes(subject, options);
    const memory = options.memory === undefined ? undefined : memoryWithin(options.memory, trainedAs(network, sizes, text), options);
    const variant = variantOf(network, sizes, options, memory?.keep);
    if (options.after !== undefined) return printPhase(context, network, variant, options.after as Phase, options);
    const lowering = lower(network, variant);
    const { program } = compileProgram([{ entry: variant.gradient ? "train" : "forward", graph: lowering.graph }], {
      capacity: options.steps,
      batch: options.batch,
      weights: parameterLayout(network, sizes).slots.map(({ name, shape }) => ({ name, shape })),
    });
    const forward = lower(network, { ...variant, gradient: undefined });
    const findings = findingsOf(forward.stages[0].graph, forward.graph);
    const differentiated = variant.gradient && lowering.stages.find((stage) => stage.name === "differentiate");
    const kept = differentiated ? keptForGradients(differentiated.graph) : [];
    const explanation = explain(network, {
      sizes,
      program,
      findings: [...findings.sentences, ...keptSentences(kept), ...(memory ? [memorySentence(memory, options)] : [])],
    });
    if (context.json) context.emit({ ...explanation, findings, kept, ...(memory && { memory }) });
    else {
      const { terminal } = context;
      for (const line of drawExplanation(explanation, { width: terminal.width, ascii: terminal.ascii, heading: terminal.bold })) terminal.print(line);
    }
    return EXIT.ok;
  },
};

interface Subject {
  readonly network: Network;
  readonly sizes: Sizes;
  readonly text: string;
}

function networkAndSizes(subject: string, options: ExplainOptions): Subject {
  if (isModelFile(subject)) {
    const { network, sizes, compiled } = readModel(subject);
    return { network, sizes, text: compiled.source.text };
  }
  const compiled = compileText(readSource(subject), options.block);
  const network = networkOf(compiled);
  const given: Record<string, number> = { ...options.size };
  for (const size of network.sizes) if (size.free && size.value === undefined) given[size.name] ??= options.defaultSize;
  return { network, sizes: resolveSizes(network, given), text: compiled.source.text };
}

/** What `train` makes of a bare cell for data with a vector as input and a number as target; a whole model as it is. */
function trainedAs(network: Network, sizes: Sizes, text: string): { readonly network: Network; readonly sizes: Sizes } {
  if (isWholeModel(network)) return { network, sizes };
  const width = network.inputs[0]?.shape[0];
  const inputs = { x: { type: "real", size: (width && sizeValue(width, sizes)) ?? 1 }, y: { type: "real", size: 1 } } as const;
  const model = networkOf(compileText(wrapCell(text, network, inputs)));
  const known = Object.fromEntries(Object.entries(sizes).filter(([name]) => model.sizes.some((size) => size.name === name)));
  return { network: model, sizes: resolveSizes(model, sizesForInputs(model, known, inputs)) };
}

function memoryWithin(memoryMiB: number, { network, sizes }: { network: Network; sizes: Sizes }, { steps, batch }: ExplainOptions): MemoryPlan {
  if (!(memoryMiB > 0)) throw usageError(`--memory must be a positive number, not ${memoryMiB}`);
  return planTraining(network, sizes, { capacity: steps, batch }, memoryMiB * 2 ** 20);
}

/** "within 8 MiB: training takes 6.95 MiB, batches of 32 × 512 in segments of 64 steps, keeping only results of products for the gradients". */
function memorySentence({ memoryBytes, segment, keep }: MemoryPlan, { memory, batch, steps }: ExplainOptions): string {
  const way = segment > 0 ? `in segments of ${segment} steps` : "whole";
  const keeping = keep === "least" ? "keeping only results of products and sums for the gradients" : "keeping what is usual for the gradients";
  return `within ${memory} MiB: training takes ${figure(memoryBytes / 2 ** 20, 3)} MiB (validation apart), batches of ${batch} × ${steps} ${way}, ${keeping}`;
}

/** The run that is explained: training on the loss where there is one, else with given gradients of the outputs. */
function variantOf(network: Network, sizes: Sizes, options: ExplainOptions, keep?: MemoryPlan["keep"]): Variant {
  const trains = network.weights.length > 0 && !options.forward;
  return {
    sizes,
    batch: options.batch,
    mode: trains ? "train" : "evaluate",
    initial: "fresh",
    lengths: false,
    reset: false,
    outputs: network.loss !== undefined ? ["loss"] : network.outputs,
    gradient: trains
      ? { of: network.loss !== undefined ? "loss" : "cotangents", inputs: [], ...(keep === "least" && { keep: "least" as const }) }
      : undefined,
  };
}

function printPhase({ terminal, json, emit }: Context, network: Network, variant: Variant, phase: Phase, options: ExplainOptions): number {
  const texts = phaseTexts(network, variant, options);
  const at = texts.findIndex(([name]) => name === phase);
  if (at === -1) throw usageError(`phase ${phase} does not run without gradients; leave out --forward`);
  const text = texts[at][1];
  if (!options.diff) {
    if (json) emit({ phase, text });
    else terminal.print(text.trimEnd());
    return EXIT.ok;
  }
  if (at === 0 || phase === "loops") throw usageError(`--diff compares a phase with the one before in the same language; ${phase} has none`);
  const lines = alignGraphs(texts[at - 1][1], text);
  const changes = diffLines(lines.before, lines.after);
  if (json) emit({ phase, before: texts[at - 1][0], changes });
  else {
    const paint = { "-": terminal.red, "+": terminal.green, " ": terminal.dim } as const;
    for (const line of drawDiff(changes)) terminal.print(paint[line[0] as keyof typeof paint](line));
  }
  return EXIT.ok;
}

/** Text of every phase's output, in order. */
function phaseTexts(network: Network, variant: Variant, options: ExplainOptions): [Phase, string][] {
  const lowering = lower(network, variant);
  const { loops } = compileProgram([{ entry: "run", graph: lowering.graph }], {
    capacity: options.steps,
    batch: options.batch,
    weights: parameterLayout(network, variant.sizes).slots.map(({ name, shape }) => ({ name, shape })),
  });
  return [...lowering.stages.map(({ name, graph }): [Phase, string] => [name, printGraph(graph)]), ["loops", printLoopModule(loops)]];
}
