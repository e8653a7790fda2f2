/**
 * The adding problem: a sequence of random numbers, two of them marked; give their sum at the end.
 *
 * Two forms. Modern (Arjovsky, Shah & Bengio 2016): numbers in [0, 1], one mark in each half, fixed length T, target the sum; always answering 1 has a
 * mean squared error of 1/6. Historic (Hochreiter & Schmidhuber 1997, experiment 4): numbers in [-1, 1], length drawn from T … T + T/10, marks among the
 * first 10 and the first T/2 - 1 steps, mark -1 at both ends, target 0.5 + (X1 + X2)/4, where X1 is 0, in the sequence too, if the first step is marked.
 */
import type { Random } from "../../support/random.ts";
import { makeTask, type Example } from "./task.ts";

/** Real input "x" of two components (number, mark), real target "y", counted at the last step. */
export const adding = makeTask({
  name: "adding",
  title: "the sum of the two marked numbers",
  source: "Hochreiter & Schmidhuber 1997, experiment 4; Arjovsky, Shah & Bengio 2016",
  options: {
    length: { value: 100, least: 20, most: 100_000, meaning: "time steps (of the shortest sequence, in the historic form)" },
    historic: { value: 0, least: 0, most: 1, meaning: "1: the form of 1997; 0: the form in use today" },
  },
  describe: ({ length, historic }) =>
    historic === 1
      ? `Reads ${length} to ${length + Math.floor(length / 10)} pairs of a number in [-1, 1] and a mark; two numbers are marked 1, both ends -1. Wanted at the ` +
        "end: 0.5 + a quarter of their sum. An answer within 0.04 is right; solved when at most 20 of 2560 sequences are wrong."
      : `Reads ${length} pairs of a number in [0, 1] and a mark; one number in each half is marked 1. Wanted at the end: their sum. ` +
        "Always answering 1 has a mean squared error of 0.167; 0.01 counts as solved.",
  score: ({ historic }) =>
    historic === 1
      ? // The target is 0.5 + (a triangular variable on [-2, 2])/4: the constant 0.5 is within 0.04 with probability 1 - (1 - 0.08)² over the full triangle.
        { measure: "within", tolerance: 0.04, per: "step", chance: 1 - 0.92 ** 2, success: 1 - 20 / 2560, meaning: "share of sums within 0.04" }
      : {
          measure: "squared error",
          per: "step",
          chance: 1 / 6,
          chanceLoss: { loss: "mse", value: 1 / 6 },
          success: 0.01,
          meaning: "mean squared error of the sum",
        },
  reads: () => 2,
  says: () => 1,
  length: ({ length, historic }) => [length, historic === 1 ? length + Math.floor(length / 10) : length],
  draw: (random, { length, historic }) => (historic === 1 ? drawHistoric(random, length) : drawModern(random, length)),
});

function drawModern(random: Random, steps: number): Example {
  const x = new Float32Array(2 * steps);
  for (let t = 0; t < steps; t++) x[2 * t] = random.uniform();
  const half = Math.floor(steps / 2);
  const first = random.integer(half);
  const second = half + random.integer(steps - half);
  x[2 * first + 1] = 1;
  x[2 * second + 1] = 1;
  return atEnd(x, x[2 * first] + x[2 * second]);
}

function drawHistoric(random: Random, length: number): Example {
  const steps = length + random.integer(Math.floor(length / 10) + 1);
  const x = new Float32Array(2 * steps);
  for (let t = 0; t < steps; t++) x[2 * t] = random.uniform(-1, 1);
  x[1] = -1;
  x[2 * (steps - 1) + 1] = -1;
  const first = random.integer(10);
  let second = first;
  while (second === first) second = random.integer(Math.floor(length / 2) - 1);
  // A mark on the first step overwrites the end mark, and the number there is 0 ("we set X1 to zero"): read as it is summed.
  x[2 * first + 1] = 1;
  x[2 * second + 1] = 1;
  if (first === 0 || second === 0) x[0] = 0;
  return atEnd(x, 0.5 + (x[2 * first] + x[2 * second]) / 4);
}

function atEnd(x: Float32Array, target: number): Example {
  const steps = x.length / 2;
  const y = new Float32Array(steps);
  const lossMask = new Float32Array(steps);
  y[steps - 1] = target;
  lossMask[steps - 1] = 1;
  return { x, y, lossMask };
}
