/**
 * `sluice ablate MODEL`: what each gate of a trained model is worth: the metric with the gate held open, shut, at its mean, or frozen.
 */
import { ablate as ablateGates, type Ablation, type Intervention } from "../../inspect/ablate.ts";
import { bar, figure, table } from "../../inspect/draw.ts";
import { meanOverTime } from "../../inspect/gates.ts";
import { record as recordValues } from "../../inspect/record.ts";
import { SluiceError } from "../../support/diagnostic.ts";
import type { BatchSource } from "../../train/data/dataset.ts";
import { evaluate } from "../../train/evaluate.ts";
import { type CommandDefinition, type Context, numberOption, usageError } from "../command.ts";
import { addDataOptions } from "../dataset-options.ts";
import { EXIT } from "../exit-code.ts";
import { openModel, type PartFlags } from "./eval.ts";
import { distinctGates } from "./gates.ts";

const INTERVENTIONS: readonly Intervention[] = ["one", "zero", "mean", "frozen"];

interface AblateFlags extends PartFlags {
  readonly gate?: readonly string[];
  readonly batches: number;
}

/** Names between commas; a comma inside brackets is of an expression. */
const gateList = (text: string): string[] => text.split(/,(?![^(]*\))/).map((name) => name.trim());

export const ablate: CommandDefinition<AblateFlags> = {
  name: "ablate",
  arguments: "<model>",
  summary: "show what each gate is worth by holding it fixed",
  examples: ["sluice ablate flag.safetensors", "sluice ablate lstm.safetensors --data shakespeare.txt --gate f --json"],
  options(command) {
    addDataOptions(command);
    command
      .option("--part <name>", "which part of the data: train, valid, test, all")
      .option("--gate <names>", "only these gates, with commas", gateList)
      .option("--batches <number>", "batches to measure on", numberOption("--batches", { least: 1, whole: true }), 20);
  },
  async run(context, [path], flags) {
    const { model, source, metrics } = openModel(path, flags);
    const all = distinctGates(model.network.gates);
    const whole = new Map(model.network.gates.map((gate) => [gate.name, gate.value]));
    const asked = flags.gate?.map((name) => {
      const gate = all.find((each) => each.name === name || each.value === name || each.value === whole.get(name));
      if (gate !== undefined) return gate;
      throw usageError(`${model.network.name} has no gate ${name}; its gates are ${all.map((each) => each.name).join(", ") || "none"}`);
    });
    const chosen = asked === undefined ? all : all.filter((gate) => asked.includes(gate));
    if (chosen.length === 0) throw new SluiceError("E486", `${model.network.name} has no gate to ablate`);
    const batches = Math.min(flags.batches, source.batchesPerPass ?? flags.batches);
    let task = "recording";
    const watched: BatchSource = {
      ...source,
      batchAt(step) {
        context.terminal.progress(`${task}, batch ${step + 1} of ${batches}`);
        return source.batchAt(step);
      },
    };
    const values = chosen.map((gate) => gate.value);
    const recorded = await recordValues(model, watched, values, batches, context.signal);
    // A gate over positions has as many components as a batch is long, so one mean does not fit all.
    const means = new Map(
      values.flatMap((value) => (recorded.all.get(value)!.overPositions ? [] : [[value, meanOverTime(recorded.all.get(value)!)]])),
    );
    const metric = metrics[0];
    let done = 0;
    const result = await ablateGates(chosen, INTERVENTIONS, means, async (hold) => {
      task = `measuring ${++done} of ${chosen.length * (INTERVENTIONS.length - 1) + means.size + 1}`;
      const measured = await evaluate(model, watched, {
        metrics,
        batches,
        signal: context.signal,
        ...(hold && {
          clamps: {
            [hold.clamp.value]: hold.clamp.to.kind === "values" ? hold.values! : hold.clamp.to.kind === "frozen" ? "frozen" : hold.clamp.to.value,
          },
        }),
      });
      return metric === undefined ? measured.loss : measured.metrics[metric.name];
    });
    context.terminal.settle();
    const name = metric?.name ?? "loss";
    if (context.json) context.emit({ model: path, metric: name, ...result });
    else drawAblation(context, name, result);
    return EXIT.ok;
  },
};

function drawAblation({ terminal }: Context, metric: string, { baseline, rows, leftOut }: Ablation): void {
  const share = metric === "accuracy" || metric === "right";
  const value = (number: number): string => (share ? `${Math.round(100 * number)} %` : figure(number, 4));
  const greatest = share ? 1 : Math.max(baseline, ...rows.map((row) => row.metric).filter(Number.isFinite));
  const width = Math.max(6, Math.min(24, terminal.width - 44));
  const lines = table(
    [
      ["as it is", "", value(baseline), "", bar(baseline / greatest, width, terminal)],
      ...rows.map((row) => [row.label, row.role, value(row.metric), signed(row.change, share), bar(row.metric / greatest, width, terminal)]),
      ...leftOut.map((row) => [row.label, row.role, "–", "", ""]),
    ],
    [2, 3],
  );
  terminal.print(terminal.dim(`${metric} with one gate held; nothing is trained anew`));
  for (const line of lines) terminal.print(line);
  if (leftOut.length > 0) terminal.print(terminal.dim("–  a gate over positions has no one mean: it has as many components as a sequence has steps"));
}

function signed(change: number, share: boolean): string {
  const text = share ? `${Math.round(100 * change)}` : figure(change, 3);
  return change > 0 ? `+${text}` : text;
}
