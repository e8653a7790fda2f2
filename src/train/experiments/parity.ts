/**
 * Parity by a linear recurrence: impossible while its gate lies in (0, 1), easy once it may be negative. One term of one equation differs.
 *
 * @source Grazzi et al. 2024, "Unlocking state-tracking in linear RNNs through negative eigenvalues" (arXiv 2411.12537), table 3; lengths as in Beck et
 * al. 2024 (xLSTM)
 */
import { evaluate } from "../evaluate.ts";
import { parity as task } from "../tasks/parity.ts";
import { scoreMetric } from "../tasks/score.ts";
import { eachRun, type Experiment, trainVariant } from "./experiment.ts";
import { twoLayers } from "./two-layers.ts";

const textWith = (gate: string): string =>
  twoLayers(
    "parity",
    `  a = ${gate}
  h = a∘h[t-1] + σ(Wi·n)∘(Wh·n)
  r = u + Wr·(h∘silu(Wg·n))`,
    "h ∈ ℝ^D, W1 ∈ ℝ^(M×D), ba ~ 0",
  );

export const parity: Experiment = {
  name: "parity",
  title: "parity by a linear recurrence, with a gate that may be negative and one that may not",
  source: "Grazzi et al. 2024, table 3",
  recipe:
    "3 to 40 zeros and ones in training, 40 to 256 in the test (2560 sequences); wanted at the end: whether the ones are odd in number. Two layers of width 32; " +
    "Adam of rate 0.003 (cosine), batch 128, 1500 steps. Scaled accuracy is (accuracy - 1/2)/(1/2).",
  variants: [
    { name: "2σ - 1", text: textWith("2*σ(Wa·n + ba) - 1"), parameters: 18_626, published: "1.000 (Mamba with eigenvalues in [-1, 1])" },
    { name: "σ", text: textWith("σ(Wa·n + ba)"), parameters: 18_626, published: "0.000 (Mamba with eigenvalues in [0, 1])" },
  ],
  seeds: [1, 2, 3],
  async run(variant, context) {
    const dataset = task.dataset({ options: { index: 1 }, batch: 128, seed: context.seed });
    const steps = context.quick ? 5 : 1500;
    const learningRate = { kind: "cosine", rate: 3e-3, warmUp: 50 } as const;
    const trained = await trainVariant({ variant, dataset, sizes: { D: 32, M: 64, M2: 64 }, steps, learningRate, validateEvery: 0 }, context);
    const { metrics } = await evaluate(trained, dataset.test!, {
      metrics: [scoreMetric(task.score(), "logits")],
      ...(context.quick && { batches: 1 }),
      signal: context.signal,
    });
    return { parameters: trained.parameterCount, figures: { loss: trained.training.loss ?? NaN, scaledAccuracy: 2 * metrics.accuracy - 1 } };
  },
  judge: (runs) => [
    eachRun(runs, {
      variant: "2σ - 1",
      claim: "scaled accuracy at least 0.95 at lengths 40 to 256",
      shown: (figures) => figures.scaledAccuracy.toFixed(3),
      holds: (figures) => figures.scaledAccuracy >= 0.95,
    }),
    eachRun(runs, {
      variant: "σ",
      claim: "scaled accuracy at most 0.15",
      shown: (figures) => figures.scaledAccuracy.toFixed(3),
      holds: (figures) => figures.scaledAccuracy <= 0.15,
    }),
  ],
};
