/**
 * Flag recall, the task of the demo: one digit of a sequence is marked by “!” before it; say it when “?” comes.
 *
 * It needs each gate once: the input gate to open after the flag, the forget gate to drop what was there and then to hold, the output gate to wait.
 */
import { SluiceError } from "../../support/diagnostic.ts";
import { makeTask } from "./task.ts";

/** 3 0 7 ! 4 8 1 1 6 9 2 5 ? → 4; input 12 symbols, target "y" a digit, counted at “?” only. */
export const flagRecall = makeTask({
  name: "flag-recall",
  title: "say, at “?”, the digit that followed “!”",
  source: "the demo of Sluice; in the spirit of the long-time-lag problems of Hochreiter & Schmidhuber 1997",
  options: {
    length: { value: 13, least: 3, most: 100_000, meaning: "time steps of the shortest sequence, flag and question included" },
    spread: { value: 0, least: 0, most: 100_000, meaning: "sequences are up to this many steps longer" },
    digits: { value: 10, least: 2, most: 10, meaning: "number of different digits" },
  },
  describe: ({ length, spread, digits }) =>
    `Reads ${spread > 0 ? `${length} to ${length + spread}` : length} symbols: digits, “!” before one of them, “?” at the end. ` +
    `Wanted at “?”: the digit that followed “!”. Guessing is right in 1 of ${digits} cases; 99 % right counts as solved.`,
  score: ({ digits }) => ({
    measure: "class",
    per: "step",
    chance: 1 / digits,
    chanceLoss: { loss: "cross_entropy", value: Math.log(digits) },
    success: 0.99,
    meaning: "share of questions answered with the right digit",
  }),
  reads: ({ digits }) => [...digitNames(digits), "!", "?"],
  says: ({ digits }) => digitNames(digits),
  length: ({ length, spread }) => [length, length + spread],
  check: ({ length, spread }) => {
    if (length + spread <= 100_000) return;
    throw new SluiceError("E407", `options length and spread of task flag-recall add up to ${length + spread}; at most 100000 is possible`);
  },
  draw: (random, { length, spread, digits }) => {
    const steps = length + random.integer(spread + 1);
    const symbols = Int32Array.from({ length: steps }, () => random.integer(digits));
    const flag = random.integer(steps - 2);
    symbols[flag] = digits;
    symbols[steps - 1] = digits + 1;
    const y = new Int32Array(steps);
    y[steps - 1] = symbols[flag + 1];
    const lossMask = new Float32Array(steps);
    lossMask[steps - 1] = 1;
    return { symbols, y, lossMask };
  },
});

function digitNames(digits: number): string[] {
  return Array.from({ length: digits }, (_, digit) => String(digit));
}
