/**
 * The continual embedded Reber grammar: strings joined without end and without a reset, which a cell without a forget gate cannot follow for long.
 *
 * @source Gers, Schmidhuber & Cummins 2000, "Learning to forget" (Neural Computation 12:2451), table 2: without forget gates no network is perfect and 99 %
 * have a mean error-free length of 37; with them 18 % are perfect on 10 streams of 100 000 symbols, 62 % with a decaying rate
 */
import { evaluate } from "../evaluate.ts";
import type { Metric } from "../metric.ts";
import { continualReber as task } from "../tasks/reber.ts";
import { eachRun, type Experiment, trainVariant } from "./experiment.ts";

const BITS = 7;
const TOLERANCE = 0.49;
const STREAMS = 10;
/** Symbols at the start of a test stream that do not count. */
const WARM_UP = 200;

const textWith = (forget: string): string => `# Long short-term memory with one of each gate for a block of cells
# Gers, Schmidhuber & Cummins 2000 (Neural Computation 12:2451), eq. 1-9: g = 4σ - 2, h = 2σ - 1
continual_reber(x, y) → p
  i = σ(Wi·x + Σ_e Ui[e]·h[e,t-1] + bi)
  ${forget}
  o = σ(Wo·x + Σ_e Uo[e]·h[e,t-1] + bo)
  g[b] = 4*σ(Wc[b]·x + Σ_e Uc[b,e]·h[e,t-1]) - 2
  s[b] = f[b]*s[b,t-1] + i[b]*g[b]
  h[b] = o[b]*(2*σ(s[b]) - 1)
  z = Wz·x + Σ_e Uz[e]·h[e] + bz
  p = σ(z)
  loss = binary_cross_entropy(z, y)
  where b ∈ 1..B, e ∈ 1..B, s[b] ∈ ℝ^S
`;

/**
 * Counts mistakes of each test stream. The paper's streams end at their first mistake, so its error-free length is how many symbols come before that one,
 * and the mean is taken over the streams; `betweenMistakes` goes on, and is the mean of all stretches that end in a mistake or with the stream.
 */
function mistakeCounter() {
  const mistakes = new Int32Array(STREAMS);
  const firstAt = new Float64Array(STREAMS).fill(Number.NaN);
  let seen = 0;
  let counted = 0;
  const metric: Metric = {
    name: "right",
    outputs: ["p"],
    measure(batch, values) {
      let total = 0;
      for (let t = 0; t < batch.steps; t++) {
        if (seen++ < WARM_UP) continue;
        counted++;
        for (let row = 0; row < batch.batch; row++) {
          const at = (t * batch.batch + row) * BITS;
          let right = true;
          for (let k = 0; k < BITS; k++) if (!(Math.abs(values.p.data[at + k] - batch.inputs.y[at + k]) < TOLERANCE)) right = false;
          if (right) total++;
          else if (mistakes[row]++ === 0) firstAt[row] = counted - 1;
        }
      }
      return { total, count: batch.steps * batch.batch };
    },
  };
  return {
    metric,
    figures() {
      const wrong = mistakes.reduce((sum, count) => sum + count, 0);
      const symbols = counted * STREAMS;
      return {
        perfectStreams: mistakes.filter((count) => count === 0).length,
        errorFree: firstAt.reduce((sum, at) => sum + (Number.isNaN(at) ? counted : at), 0) / STREAMS,
        betweenMistakes: (symbols - wrong) / (wrong + STREAMS),
        wrong,
        symbols,
      };
    },
  };
}

export const continualReber: Experiment = {
  name: "cerg",
  title: "the continual embedded Reber grammar, with and without forget gates",
  source: "Gers, Schmidhuber & Cummins 2000, table 2",
  recipe:
    "Embedded Reber strings joined to endless streams, state never reset; wanted at each step: which of 7 symbols may come next, every output within 0.49. Four " +
    "blocks of two cells, weights U(-0.2, 0.2), gates biased -0.5, -1, -1.5, -2 (forget gates 0.5, 1, 1.5, 2). Not the paper's rule but today's: cross entropy, " +
    "Adam of rate 0.005 (cosine), norm of the gradient at most 1, windows of 50 with carried state, 16 streams side by side, 40 000 updates. Test: 10 streams of " +
    "100 000 symbols, the first 200 of each not counted; the error-free length of a stream ends at its first mistake.",
  variants: [
    {
      name: "forget gate",
      text: textWith("f = σ(Wf·x + Σ_e Uf[e]·h[e,t-1] + bf)"),
      parameters: 424,
      published: "18 % of networks perfect (62 % with rate decay)",
    },
    { name: "no forget gate", text: textWith("f[b] = 1"), parameters: 360, published: "0 % perfect; mean error-free length 37 for 99 %" },
  ],
  seeds: [1, 2, 3],
  async run(variant, context) {
    const updates = context.quick ? 40 : 40_000;
    const streamLength = context.quick ? 1000 : 100_000;
    const dataset = task.dataset({ options: { streamLength, testStreams: STREAMS }, batch: 16, seed: context.seed });
    const trained = await trainVariant(
      {
        variant,
        // One unbroken stream: the state of a window goes on from the window before, always.
        dataset: { ...dataset, train: { ...dataset.train, batchAt: (step) => ({ ...dataset.train.batchAt(step), carry: step > 0 }) } },
        sizes: { B: 4, S: 2 },
        begin: { bound: 0.2, biases: { bi: [-0.5, -1, -1.5, -2], bo: [-0.5, -1, -1.5, -2], bf: [0.5, 1, 1.5, 2] } },
        steps: updates,
        learningRate: { kind: "cosine", rate: 5e-3 },
        restartEvery: 0,
        validateEvery: 0,
      },
      context,
    );
    const counter = mistakeCounter();
    const { loss } = await evaluate(trained, dataset.test!, { metrics: [counter.metric], signal: context.signal });
    return { parameters: trained.parameterCount, figures: { ...counter.figures(), loss } };
  },
  judge: (runs) => [
    eachRun(runs, {
      variant: "forget gate",
      claim: "10 of 10 streams without a mistake",
      shown: (figures) => `${figures.perfectStreams}/10 (${figures.wrong} wrong)`,
      holds: (figures) => figures.perfectStreams === STREAMS,
    }),
    eachRun(runs, {
      variant: "no forget gate",
      claim: "no stream without a mistake",
      shown: (figures) => `${figures.perfectStreams}/10`,
      holds: (figures) => figures.perfectStreams === 0,
    }),
    eachRun(runs, {
      variant: "no forget gate",
      claim: "mean error-free length below 500",
      shown: (figures) => figures.errorFree.toFixed(1),
      holds: (figures) => figures.errorFree < 500,
    }),
  ],
};
