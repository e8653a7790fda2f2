/**
 * `sluice compare A B …`: trains several cells on the same data in the same way and shows them side by side.
 *
 * Every run has its own seed; the table shows the mean and the spread over them. Data and order of batches are the same for all.
 */
import { duration, figure, grouped, sparkline, table } from "../../inspect/draw.ts";
import { train } from "../../train/loop.ts";
import { type CommandDefinition, numberOption } from "../command.ts";
import { addDataOptions } from "../dataset-options.ts";
import { EXIT } from "../exit-code.ts";
import { createProgress } from "../progress.ts";
import { recipeFor, settingsFor } from "../recipe.ts";
import { applyWide } from "../wide.ts";
import { addTrainOptions, usualThreads, openTrainingData, type TrainFlags } from "./train.ts";

interface CompareFlags extends TrainFlags {
  readonly seeds: number;
}

interface Run {
  readonly subject: string;
  readonly seed: number;
  readonly parameters: number;
  readonly loss: number;
  readonly validation?: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly durationMs: number;
  readonly curve: readonly number[];
}

export const compare: CommandDefinition<CompareFlags> = {
  name: "compare",
  arguments: "<subjects...>",
  summary: "train several cells on the same data, side by side",
  examples: ["sluice compare lstm gru tanh_rnn --task adding --seeds 3", "sluice compare my-cell.gate lstm --data text.txt --steps 500"],
  options(command) {
    addDataOptions(command);
    addTrainOptions(command);
    command.option("--seeds <number>", "runs of each, with seeds 1, 2, …", numberOption("--seeds", { least: 1, whole: true }), 1);
  },
  async run(context, subjects, flags) {
    const { terminal } = context;
    applyWide(context, flags);
    const data = openTrainingData(flags);
    const recipes = subjects.map((subject) => ({ subject, recipe: recipeFor(subject, data, flags) }));
    const runs: Run[] = [];
    for (let seed = flags.seed ?? 1; seed < (flags.seed ?? 1) + flags.seeds; seed++) {
      for (const { subject, recipe } of recipes) {
        terminal.remark(terminal.dim(`${subject}, seed ${seed}`));
        const settings = settingsFor(data.dataset, { ...flags, seed });
        const trained = await train(recipe.compiled, data.dataset, {
          threads: flags.threads ?? usualThreads(recipe),
          ...settings,
          sizes: recipe.sizes,
          metrics: recipe.metrics,
          signal: context.signal,
          onEvent: createProgress({ ...terminal, remark: () => undefined }, { unit: "time steps" }),
        });
        terminal.settle();
        const { result } = trained;
        if (result.reason === "aborted") break;
        const best = result.validations.find((validation) => validation.step === result.bestStep) ?? result.validations.at(-1);
        runs.push({
          subject,
          seed,
          parameters: trained.parameterCount,
          loss: trained.training.loss ?? NaN,
          validation: best?.loss,
          metrics: best?.metrics ?? {},
          durationMs: trained.training.durationMs ?? NaN,
          curve: result.validations.map((validation) => validation.loss),
        });
      }
      if (context.signal.aborted) break;
    }
    if (context.json) context.emit({ data: data.dataset.name, runs, interrupted: context.signal.aborted });
    else drawComparison(context.terminal, subjects, runs);
    return context.signal.aborted ? EXIT.interrupted : EXIT.ok;
  },
};

function drawComparison(
  terminal: { width: number; ascii: boolean; print(text?: string): void; dim(text: string): string },
  subjects: readonly string[],
  runs: readonly Run[],
): void {
  const metric = Object.keys(runs[0]?.metrics ?? {})[0];
  const width = Math.max(8, Math.min(24, terminal.width - 70));
  const finite = runs.flatMap((run) => run.curve).filter(Number.isFinite);
  const low = Math.min(...finite);
  const high = Math.max(...finite);
  const rows = subjects.map((subject) => {
    const own = runs.filter((run) => run.subject === subject);
    if (own.length === 0) return [subject, "interrupted"];
    return [
      subject,
      grouped(own[0].parameters),
      spread(own.map((run) => run.loss)),
      spread(own.map((run) => run.validation ?? NaN)),
      ...(metric ? [spread(own.map((run) => run.metrics[metric]))] : []),
      duration(mean(own.map((run) => run.durationMs)) / 1000),
      sparkline(own[0].curve, { width, low, high, ascii: terminal.ascii }),
    ];
  });
  const header = ["cell", "parameters", "training", "validation", ...(metric ? [metric] : []), "time", "validation loss"];
  const right = header.map((_, i) => i).slice(1, -1);
  for (const [i, line] of table([header, ...rows], right).entries()) terminal.print(i === 0 ? terminal.dim(line) : line);
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** "1.62", or "1.62 ± 0.01" (sample standard deviation) of several runs. */
function spread(values: readonly number[]): string {
  const middle = mean(values);
  if (values.length < 2) return figure(middle, 4);
  const deviation = Math.sqrt(values.reduce((total, value) => total + (value - middle) ** 2, 0) / (values.length - 1));
  return `${figure(middle, 4)} ± ${figure(deviation, 2)}`;
}
