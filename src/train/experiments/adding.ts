/**
 * Experiment 4 of 1997: the sum of two marked numbers among a hundred, by the paper's own truncated rule.
 *
 * @source Hochreiter & Schmidhuber 1997, section 5.4: T = 100 solved after 74 000 sequences, 1 of 2560 wrong
 */
import { evaluate } from "../evaluate.ts";
import type { Metric } from "../metric.ts";
import { adding as task } from "../tasks/adding.ts";
import { eachRun, type Experiment, trainVariant } from "./experiment.ts";
import { ruleOf1997, trainingOf1997 } from "./rule-of-1997.ts";

const TOLERANCE = 0.04;
const OPTIONS = { length: 100, historic: 1 };

/** A metric that sums a function of the error over the answers that count. */
function ofError(name: string, value: (error: number) => number): Metric {
  return {
    name,
    outputs: ["p"],
    measure(batch, { p }, counts) {
      let total = 0;
      let count = 0;
      for (let i = 0; i < batch.steps * batch.batch; i++) {
        if (counts[i] === 0) continue;
        total += value(Math.abs(p.data[i] - batch.inputs.y[i]));
        count++;
      }
      return { total, count };
    },
  };
}

const METRICS = [ofError("error", (error) => error), ofError("wrong", (error) => (error < TOLERANCE ? 0 : 1))];

export const adding: Experiment = {
  name: "adding",
  title: "the sum of two marked numbers, by the learning rule of 1997",
  source: "Hochreiter & Schmidhuber 1997, experiment 4 (T = 100)",
  recipe:
    "100 to 110 pairs of a number in [-1, 1] and a mark; wanted at the end: 0.5 + a quarter of the sum of the two marked numbers. Two blocks of two cells; one " +
    "sequence at a time, gradient descent of rate 0.5, weights U(-0.1, 0.1), input gates biased -3 and -6; 200 000 sequences (50 000 without the " +
    "carousel). Test: 2560 fresh sequences; an answer within 0.04 is right.",
  variants: [
    { name: "rule of 1997", text: ruleOf1997("adding", true), parameters: 93, published: "solved after 74 000 sequences, 1 of 2560 wrong" },
    { name: "no carousel", text: ruleOf1997("adding", false), parameters: 93, published: "no figure: the cell forgets at once" },
  ],
  seeds: [1, 2, 3],
  async run(variant, context) {
    const dataset = task.dataset({ options: OPTIONS, batch: 1, seed: context.seed });
    const plan = { variant, dataset, ...trainingOf1997([-3, -6]), validateEvery: 0 };
    const trained = await trainVariant({ ...plan, steps: context.quick ? 500 : variant.name === "no carousel" ? 50_000 : 200_000 }, context);
    const test = task.dataset({ options: OPTIONS, batch: 32, seed: context.seed }).test!;
    const { metrics } = await evaluate(trained, test, { metrics: METRICS, ...(context.quick && { batches: 2 }), signal: context.signal });
    return {
      parameters: trained.parameterCount,
      figures: { sequences: trained.result.steps, error: metrics.error, wrong: Math.round(metrics.wrong * 2560) },
    };
  },
  judge: (runs) => [
    eachRun(runs, {
      variant: "rule of 1997",
      claim: "mean error below 0.01 by 200 000 sequences",
      shown: (figures) => figures.error.toFixed(4),
      holds: (figures) => figures.error < 0.01,
    }),
    eachRun(runs, {
      variant: "rule of 1997",
      claim: "at most 20 of 2560 wrong",
      shown: (figures) => String(figures.wrong),
      holds: (figures) => figures.wrong <= 20,
    }),
    eachRun(runs, {
      variant: "no carousel",
      claim: "mean error stays above 0.1",
      shown: (figures) => figures.error.toFixed(4),
      holds: (figures) => figures.error > 0.1,
    }),
  ],
};
