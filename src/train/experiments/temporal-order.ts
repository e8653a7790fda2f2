/**
 * Experiment 6a of 1997: in which order did X and Y come, 50 to 100 steps ago? Learned by the paper's own truncated rule.
 *
 * @source Hochreiter & Schmidhuber 1997, section 5.6: solved after 31 390 sequences, 1 of 2560 wrong (mean of 10 trials)
 */
import type { Batch, BatchSource, Dataset } from "../data/dataset.ts";
import { evaluate } from "../evaluate.ts";
import type { Metric } from "../metric.ts";
import { scoreBatch } from "../tasks/score.ts";
import { temporalOrder as task } from "../tasks/temporal-order.ts";
import { eachRun, type Experiment, trainVariant } from "./experiment.ts";
import { ruleOf1997, trainingOf1997 } from "./rule-of-1997.ts";

const CLASSES = 4;
/** A sequence is right if every output is within this of its target (section 5.6). */
const TOLERANCE = 0.3;
const IN_A_ROW = 2000;

const SIMPLE = `# Simple recurrent network with full back-propagation through time: Elman 1990 (Cognitive Science 14:179)
temporal_order(x, y) → p
  h = tanh(W·x + U·h[t-1] + b)
  p = σ(Wp·h + bp)
  loss = sum((p - y)^2) / 2
  where h ∈ ℝ^H
`;

export const temporalOrder: Experiment = {
  name: "temporal-order",
  title: "the order of two symbols, by the learning rule of 1997",
  source: "Hochreiter & Schmidhuber 1997, experiment 6a",
  recipe:
    "100 to 110 symbols; X or Y at steps 10–20 and 50–60, noise elsewhere; four classes at the end. Two blocks of two cells; one sequence at a time, gradient " +
    `descent of rate 0.5, weights U(-0.1, 0.1), input gates biased -2 and -4. Stops when ${IN_A_ROW} sequences in a row are right (sum of squared errors below ` +
    "0.09, so every output within 0.3), at most 60 000. Test: 2560 fresh sequences.",
  variants: [
    { name: "rule of 1997", text: ruleOf1997("temporal_order", true), parameters: 156, published: "solved after 31 390 sequences, 1 of 2560 wrong" },
    { name: "no carousel", text: ruleOf1997("temporal_order", false), parameters: 156, published: "no figure: the cell forgets at once" },
    { name: "tanh", text: SIMPLE, parameters: 172, published: "not solved by any simple network" },
  ],
  seeds: [1, 2, 3],
  async run(variant, context) {
    const dataset = oneHotTargets(task.dataset({ batch: 1, seed: context.seed }), CLASSES);
    let inARow = 0;
    // Eight units give the simple network about as many weights.
    const training = variant.name === "tanh" ? { ...trainingOf1997([-2, -4]), sizes: { H: 8 } } : trainingOf1997([-2, -4]);
    const trained = await trainVariant(
      {
        variant,
        dataset,
        ...training,
        steps: context.quick ? 500 : variant.name === "rule of 1997" ? 60_000 : 30_000,
        validateEvery: 0,
        enough: (_, loss) => {
          inARow = 2 * loss < TOLERANCE ** 2 ? inARow + 1 : 0;
          return inARow >= IN_A_ROW;
        },
      },
      context,
    );
    const test = oneHotTargets(task.dataset({ batch: 32, seed: context.seed }), CLASSES).test!;
    const { metrics } = await evaluate(trained, test, {
      metrics: [right, greatestIsRight],
      ...(context.quick && { batches: 2 }),
      signal: context.signal,
    });
    const sequences = trained.result.steps;
    return {
      parameters: trained.parameterCount,
      figures: { solved: inARow >= IN_A_ROW ? 1 : 0, sequences, wrong: Math.round((1 - metrics.right) * 2560), accuracy: metrics.accuracy },
    };
  },
  judge: (runs) => [
    eachRun(runs, {
      variant: "rule of 1997",
      claim: "solved by 10 000 to 60 000 sequences",
      shown: ({ sequences, solved }) => (solved === 1 ? String(sequences) : `not by ${sequences}`),
      holds: ({ sequences, solved }) => solved === 1 && sequences >= 10_000 && sequences <= 60_000,
    }),
    eachRun(runs, {
      variant: "rule of 1997",
      claim: "at most 3 of 2560 wrong",
      shown: ({ wrong }) => String(wrong),
      holds: ({ wrong }) => wrong <= 3,
    }),
    ...["no carousel", "tanh"].map((variant) =>
      eachRun(runs, {
        variant,
        claim: "stays at chance (accuracy at most 0.3 of four classes)",
        shown: ({ accuracy }) => accuracy.toFixed(3),
        holds: ({ accuracy }) => accuracy <= 0.3,
      }),
    ),
  ],
};

const right: Metric = {
  name: "right",
  outputs: ["p"],
  measure: (batch, values, counts) =>
    scoreBatch(
      { measure: "within", tolerance: TOLERANCE, per: "sequence", chance: 0, success: 1, meaning: "" },
      batch,
      values.p.data,
      CLASSES,
      counts,
    ),
};

const greatestIsRight: Metric = {
  name: "accuracy",
  outputs: ["p"],
  measure(batch, values, counts) {
    const greatest = (from: ArrayLike<number>, at: number): number => {
      let best = 0;
      for (let k = 1; k < CLASSES; k++) if (from[at + k] > from[at + best]) best = k;
      return best;
    };
    let total = 0;
    let count = 0;
    for (let i = 0; i < batch.steps * batch.batch; i++) {
      if (counts[i] === 0) continue;
      count++;
      if (greatest(values.p.data, i * CLASSES) === greatest(batch.inputs.y, i * CLASSES)) total++;
    }
    return { total, count };
  },
};

/** The class in y as a vector with a 1 in its place: what squared errors are taken from. */
function oneHotTargets(dataset: Dataset, classes: number): Dataset {
  const batchOf = (batch: Batch): Batch => {
    const rows = batch.steps * batch.batch;
    const y = new Float32Array(rows * classes);
    for (let i = 0; i < rows; i++) y[i * classes + batch.inputs.y[i]] = 1;
    return { ...batch, inputs: { ...batch.inputs, y } };
  };
  const sourceOf = (source: BatchSource): BatchSource => ({ ...source, batchAt: (step) => batchOf(source.batchAt(step)) });
  return {
    ...dataset,
    inputs: { ...dataset.inputs, y: { type: "real", size: classes } },
    train: sourceOf(dataset.train),
    valid: dataset.valid && sourceOf(dataset.valid),
    test: dataset.test && sourceOf(dataset.test),
  };
}
