/**
 * Parity: is the number of ones odd? Needs a state that flips, and is tested on sequences longer than any in training.
 *
 * @source Beck et al. 2024 (xLSTM), formal-language tasks: lengths 3–40 in training, 40–256 in the test; Grazzi et al. 2024 report the accuracy scaled as
 * (accuracy - 1/2)/(1/2)
 */
import { SluiceError } from "../../support/diagnostic.ts";
import { makeTask } from "./task.ts";

/** Input 2 symbols, target "y" 1 if the ones so far are odd; counted at the last step, or at each. */
export const parity = makeTask({
  name: "parity",
  title: "is the number of ones odd",
  source: "Beck et al. 2024 (xLSTM)",
  options: {
    shortest: { value: 3, least: 1, most: 100_000, meaning: "steps of the shortest sequence in training" },
    longest: { value: 40, least: 1, most: 100_000, meaning: "steps of the longest sequence in training, and of the shortest in the test" },
    testLongest: { value: 256, least: 1, most: 100_000, meaning: "steps of the longest sequence in the test" },
    everyStep: { value: 0, least: 0, most: 1, meaning: "1: the parity so far is wanted at each step; 0: only at the end" },
  },
  describe: ({ shortest, longest, testLongest, everyStep }) =>
    `Reads ${shortest} to ${longest} zeros and ones (in the test ${longest} to ${testLongest}). Wanted ${everyStep === 1 ? "at each step" : "at the end"}: whether the ones so far ` +
    "are odd. Guessing is right in half of the cases; 99 % right counts as solved.",
  score: () => ({
    measure: "class",
    per: "step",
    chance: 0.5,
    chanceLoss: { loss: "cross_entropy", value: Math.log(2) },
    success: 0.99,
    meaning: "share of right answers (0.5 is chance)",
  }),
  reads: () => ["0", "1"],
  says: () => ["even", "odd"],
  length: ({ shortest, longest }) => [shortest, longest],
  test: (options) => ({ ...options, shortest: options.longest, longest: Math.max(options.longest, options.testLongest) }),
  check: ({ shortest, longest }) => {
    if (shortest <= longest) return;
    throw new SluiceError("E407", `option shortest of task parity is ${shortest}, but longest is ${longest}; make shortest at most ${longest}`);
  },
  draw: (random, { shortest, longest, everyStep }) => {
    const steps = shortest + random.integer(longest - shortest + 1);
    const symbols = new Int32Array(steps);
    const y = new Int32Array(steps);
    for (let t = 0; t < steps; t++) {
      symbols[t] = random.integer(2);
      y[t] = symbols[t] ^ (t > 0 ? y[t - 1] : 0);
    }
    return { symbols, y, lossMask: new Float32Array(steps).fill(1, everyStep === 1 ? 0 : steps - 1) };
  },
});
