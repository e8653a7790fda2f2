/**
 * `sluice reproduce EXPERIMENT`: runs a published experiment again from equations written as text, and judges what comes out by limits set beforehand.
 *
 * Without a name it lists what there is. Shown are the lines of the text in which the variants differ, the published figure beside the measured one, and a
 * verdict for each claim. A quick run shows that everything runs and is never judged. Exit code 1 if a claim is not met.
 */
import { availableParallelism } from "node:os";
import { diffLines, drawDiff } from "../../inspect/diff-lines.ts";
import { duration, figure, grouped, table, wrap } from "../../inspect/draw.ts";
import { threadsRefused } from "../../runtime/wasm/threads.ts";
import { SluiceError } from "../../support/diagnostic.ts";
import type { Claim, Experiment, MeasuredRun } from "../../train/experiments/experiment.ts";
import { EXPERIMENTS, findExperiment } from "../../train/experiments/list.ts";
import { type CommandDefinition, type Context, numberOption, usageError } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { readText } from "../files.ts";
import { createProgress } from "../progress.ts";
import { addWideOption, applyWide, type WideFlags } from "../wide.ts";

/** Fewest weights for which dividing a step among threads pays. */
const WEIGHTS_FOR_THREADS = 10_000;

interface ReproduceFlags extends WideFlags {
  readonly seeds?: readonly number[];
  readonly quick?: boolean;
  readonly data?: string;
  readonly threads?: number;
}

export const reproduce: CommandDefinition<ReproduceFlags> = {
  name: "reproduce",
  arguments: "[experiment]",
  summary: "run a published experiment again, the published figure beside the measured one",
  examples: [
    "sluice reproduce",
    "sluice reproduce temporal-order",
    "sluice reproduce parity --seeds 1,2,3",
    "sluice reproduce chung2014 --data jsb-chorales.json.gz",
    "sluice reproduce selective-copying --quick",
  ],
  options(command) {
    command
      .option("--seeds <numbers>", "one run of each variant for each seed, with commas (default: those of the experiment)", seedsOption)
      .option("--quick", "seconds instead of minutes: shows that everything runs, judges nothing")
      .option("--data <file>", "the file that an experiment needs")
      .option(
        "--threads <number>",
        "threads of a step; the results have the same bits",
        numberOption("--threads", { least: 1, most: 64, whole: true }),
      );
    addWideOption(command);
  },
  async run(context, [name], flags) {
    if (name === undefined) return list(context);
    const experiment = findExperiment(name);
    if (experiment.needs === undefined && flags.data !== undefined) throw usageError(`${name} makes its own data, so --data has no use`);
    const data = readContent(experiment, flags.data);
    const seeds = flags.seeds ?? (flags.quick ? experiment.seeds.slice(0, 1) : experiment.seeds);
    applyWide(context, flags);
    if (!context.json) describe(context, experiment);
    const runs = await measure(context, experiment, { ...flags, seeds, content: data });
    if (context.signal.aborted) return EXIT.interrupted;
    const claims = flags.quick ? [] : experiment.judge(runs);
    if (context.json) context.emit({ ...facts(experiment), quick: Boolean(flags.quick), runs, claims });
    else report(context, experiment, runs, claims);
    return claims.every((claim) => claim.met) ? EXIT.ok : EXIT.content;
  },
};

function seedsOption(text: string): readonly number[] {
  const seed = numberOption("--seeds", { least: 0, whole: true });
  return text.split(",").map((part) => seed(part));
}

/** What an experiment is, as JSON. */
function facts({ name, title, source, recipe, variants, seeds, needs }: Experiment) {
  return { name, title, source, recipe, seeds, needs, variants };
}

function list({ terminal, json, emit }: Context): number {
  if (json) emit({ experiments: EXPERIMENTS.map(facts) });
  else {
    for (const line of table(EXPERIMENTS.map(({ name, title, source }) => [name, title, source]))) terminal.print(line);
    terminal.print();
    terminal.print("  sluice reproduce temporal-order");
  }
  return EXIT.ok;
}

function readContent(experiment: Experiment, path: string | undefined): unknown {
  if (experiment.needs === undefined) return undefined;
  if (path === undefined) throw usageError(`${experiment.name} needs ${experiment.needs}; give the file with --data FILE`);
  const text = readText(path);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SluiceError("E433", `${path} is not JSON (${(error as Error).message}); ${experiment.name} needs ${experiment.needs}`, [], {
      cause: error,
    });
  }
}

/** The text of the first variant, and what the others change in it. */
function describe({ terminal }: Context, { title, source, recipe, variants }: Experiment): void {
  terminal.print(terminal.bold(title));
  terminal.print(terminal.dim(source));
  terminal.print();
  for (const line of wrap(recipe, terminal.width)) terminal.print(line);
  const [first, ...others] = variants;
  terminal.print();
  terminal.print(terminal.bold(first.name));
  for (const line of first.text.trimEnd().split("\n")) terminal.print(`  ${line}`);
  for (const other of others) {
    const lines = other.text.trimEnd().split("\n");
    const changes = diffLines(first.text.trimEnd().split("\n"), lines);
    terminal.print();
    if (changes.filter((change) => change.kind === "same").length < lines.length / 2) {
      terminal.print(`${terminal.bold(other.name)}, another text`);
      for (const line of lines) terminal.print(`  ${line}`);
      continue;
    }
    terminal.print(`${terminal.bold(other.name)}, against ${first.name}`);
    for (const line of drawDiff(changes, 0)) {
      if (line.startsWith("-")) terminal.print(`  ${terminal.red(line)}`);
      if (line.startsWith("+")) terminal.print(`  ${terminal.green(line)}`);
    }
  }
  terminal.print();
}

interface Plan extends ReproduceFlags {
  readonly seeds: readonly number[];
  readonly content: unknown;
}

async function measure(context: Context, experiment: Experiment, plan: Plan): Promise<MeasuredRun[]> {
  const { terminal, signal } = context;
  const usual = threadsRefused() === undefined ? Math.min(8, availableParallelism()) : 1;
  const runs: MeasuredRun[] = [];
  for (const variant of experiment.variants) {
    for (const seed of plan.seeds) {
      const begun = performance.now();
      try {
        const outcome = await experiment.run(variant, {
          seed,
          quick: Boolean(plan.quick),
          threads: plan.threads ?? (variant.parameters < WEIGHTS_FOR_THREADS ? 1 : usual),
          data: plan.content,
          signal,
          onEvent: createProgress({ ...terminal, remark: () => undefined }, { unit: "time steps" }),
        });
        runs.push({ variant: variant.name, seed, ...outcome, durationMs: performance.now() - begun });
      } catch (error) {
        if (!signal.aborted) throw error;
        terminal.settle();
        terminal.complain(`interrupted; ${runs.length} of ${experiment.variants.length * plan.seeds.length} runs were done`);
        return runs;
      }
      terminal.settle();
      terminal.remark(terminal.dim(`${variant.name}, seed ${seed}: ${duration((performance.now() - begun) / 1000)}`));
    }
  }
  return runs;
}

function report({ terminal }: Context, { variants }: Experiment, runs: readonly MeasuredRun[], claims: readonly Claim[]): void {
  const names = Object.keys(runs[0]?.figures ?? {});
  const header = ["variant", "seed", "weights", ...names.map(spaced), "time", "published"];
  const rows = runs.map((run) => [
    run.variant,
    String(run.seed),
    grouped(run.parameters),
    ...names.map((name) => shown(run.figures[name])),
    duration(run.durationMs / 1000),
    variants.find((variant) => variant.name === run.variant)?.published ?? "",
  ]);
  const right = [1, 2, ...names.map((_, k) => 3 + k), 3 + names.length];
  table([header, ...rows], right).forEach((line, k) => terminal.print(k === 0 ? terminal.dim(line) : line));
  terminal.print();
  for (const { claim, measured, met } of claims)
    terminal.print(`${met ? terminal.green("met    ") : terminal.red("not met")}  ${claim}: ${measured}`);
  if (claims.length === 0) terminal.print("a quick run; nothing is judged by it");
}

/** "errorFree" → "error free". */
function spaced(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function shown(value: number): string {
  return Number.isInteger(value) ? grouped(value) : figure(value, 4);
}
