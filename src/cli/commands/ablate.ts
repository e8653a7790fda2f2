/**
 * `sluice ablate MODEL`: what each gate of a trained model is worth: the metric with the gate held open, shut, at its mean, or frozen.
 */
import { ablate as ablateGates, type AblationRow, type Intervention } from "../../inspect/ablate.ts";
import { bar, figure, table } from "../../inspect/draw.ts";
import { meanOverTime } from "../../inspect/gates.ts";
import { record as recordValues } from "../../inspect/record.ts";
import { SluiceError } from "../../support/diagnostic.ts";
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

export const ablate: CommandDefinition<AblateFlags> = {
  name: "ablate",
  arguments: "<model>",
  summary: "show what each gate is worth by holding it fixed",
  examples: ["sluice ablate flag.safetensors", "sluice ablate lstm.safetensors --data shakespeare.txt --gate f --json"],
  options(command) {
    addDataOptions(command);
    command
      .option("--part <name>", "which part of the data: train, valid, test, all")
      .option("--gate <names>", "only these gates, with commas", (text: string) => text.split(",").map((name) => name.trim()))
      .option("--batches <number>", "batches to measure on", numberOption("--batches", { least: 1, whole: true }), 20);
  },
  async run(context, [path], flags) {
    const { model, source, metrics } = openModel(path, flags);
    const all = distinctGates(model.network.gates);
    for (const name of flags.gate ?? []) {
      if (!all.some((gate) => gate.name === name))
        throw usageError(`${model.network.name} has no gate ${name}; its gates are ${all.map((gate) => gate.name).join(", ") || "none"}`);
    }
    const chosen = flags.gate === undefined ? all : all.filter((gate) => flags.gate!.includes(gate.name));
    if (chosen.length === 0) throw new SluiceError("E486", `${model.network.name} has no gate to ablate`);
    const batches = Math.min(flags.batches, source.batchesPerPass ?? flags.batches);
    const recorded = await recordValues(
      model,
      source,
      chosen.map((gate) => gate.value),
      batches,
    );
    const means = new Map(chosen.map((gate) => [gate.value, meanOverTime(recorded.all.get(gate.value)!)]));
    const metric = metrics[0];
    let done = 0;
    const result = await ablateGates(chosen, INTERVENTIONS, means, async (hold) => {
      context.terminal.progress(`measuring ${++done} of ${chosen.length * INTERVENTIONS.length + 1}`);
      const measured = await evaluate(model, source, {
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
    else drawAblation(context, name, result.baseline, result.rows);
    return EXIT.ok;
  },
};

function drawAblation({ terminal }: Context, metric: string, baseline: number, rows: readonly AblationRow[]): void {
  const share = metric === "accuracy" || metric === "right";
  const value = (number: number): string => (share ? `${Math.round(100 * number)} %` : figure(number, 4));
  const greatest = share ? 1 : Math.max(baseline, ...rows.map((row) => row.metric).filter(Number.isFinite));
  const width = Math.max(6, Math.min(24, terminal.width - 44));
  const lines = table(
    [
      ["as it is", "", value(baseline), "", bar(baseline / greatest, width, terminal)],
      ...rows.map((row) => [row.label, row.role, value(row.metric), signed(row.change, share), bar(row.metric / greatest, width, terminal)]),
    ],
    [2, 3],
  );
  terminal.print(terminal.dim(`${metric} with one gate held; nothing is trained anew`));
  for (const line of lines) terminal.print(line);
}

function signed(change: number, share: boolean): string {
  const text = share ? `${Math.round(100 * change)}` : figure(change, 3);
  return change > 0 ? `+${text}` : text;
}
