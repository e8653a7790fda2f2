/**
 * Temporal order: two or three of X and Y lie far apart among distractors; say in which order they came.
 *
 * @source Hochreiter & Schmidhuber 1997, experiments 6a (two symbols, four classes) and 6b (three symbols, eight classes)
 * Symbols: E at the start, B at the end, a–d as distractors. For length L: L … 1.1 L steps; two symbols lie in [L/10, L/5] and [L/2, 3L/5], three in
 * [L/10, L/5], [L/3, 43L/100] and [2L/3, 76L/100] (10–20, 50–60; 10–20, 33–43, 66–76 at the paper's L = 100).
 */
import { makeTask } from "./task.ts";

const ALPHABET = ["a", "b", "c", "d", "X", "Y", "E", "B"];

/** Input 8 symbols, target "y" the class (X = 0 and Y = 1 read as binary digits, the first highest), counted at the last step. */
export const temporalOrder = makeTask({
  name: "temporal-order",
  title: "in which order did X and Y come",
  source: "Hochreiter & Schmidhuber 1997, experiments 6a and 6b",
  options: {
    length: { value: 100, least: 20, most: 100_000, meaning: "steps of the shortest sequence; the longest has a tenth more" },
    symbols: { value: 2, least: 2, most: 3, meaning: "2: experiment 6a, four classes; 3: experiment 6b, eight classes" },
  },
  describe: ({ length, symbols }) =>
    `Reads ${length} to ${length + Math.floor(length / 10)} symbols, ${symbols} of them X or Y, the others a to d; E begins, B ends. Wanted at B: which of the ` +
    `${2 ** symbols} orders it was. Guessing is right in 1 of ${2 ** symbols} cases; solved when at most 20 of 2560 are wrong (the paper: 1 to 2).`,
  score: ({ symbols }) => ({
    measure: "class",
    per: "step",
    chance: 2 ** -symbols,
    chanceLoss: { loss: "cross_entropy", value: symbols * Math.log(2) },
    success: 1 - 20 / 2560,
    meaning: "share of sequences classified right",
  }),
  reads: () => ALPHABET,
  says: ({ symbols }) =>
    Array.from({ length: 2 ** symbols }, (_, order) => Array.from({ length: symbols }, (_, i) => "XY"[(order >> (symbols - 1 - i)) & 1]).join("")),
  length: ({ length }) => [length, length + Math.floor(length / 10)],
  draw: (random, { length, symbols: marks }) => {
    const steps = length + random.integer(Math.floor(length / 10) + 1);
    const symbols = Int32Array.from({ length: steps }, () => random.integer(4));
    symbols[0] = ALPHABET.indexOf("E");
    symbols[steps - 1] = ALPHABET.indexOf("B");
    const places = marks === 2 ? [10, 50] : [10, 33, 66];
    let order = 0;
    for (const percent of places) {
      const least = Math.floor((length * percent) / 100);
      const mark = random.integer(2);
      symbols[least + random.integer(Math.floor(length / 10) + 1)] = 4 + mark;
      order = 2 * order + mark;
    }
    const y = new Int32Array(steps);
    const lossMask = new Float32Array(steps);
    y[steps - 1] = order;
    lossMask[steps - 1] = 1;
    return { symbols, y, lossMask };
  },
});
