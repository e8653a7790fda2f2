import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createRandom } from "../../support/random.ts";
import type { Claim, Experiment, MeasuredRun, Outcome } from "./experiment.ts";
import { EXPERIMENTS, findExperiment } from "./list.ts";

/** A small piano roll in the place of the chorales: the split sizes and the notes do not matter to what is tested. */
const random = createRandom(5);
const pieces = (count: number) =>
  Array.from({ length: count }, () =>
    Array.from({ length: 12 }, () => [...new Set(Array.from({ length: 4 }, () => 30 + random.integer(50)))].sort()),
  );
const chorales = { lowestNote: 21, dims: 88, splits: { train: pieces(24), valid: pieces(8), test: pieces(8) } };

for (const experiment of EXPERIMENTS) {
  test(`${experiment.name}: every variant runs, with as many weights as published, the same numbers for the same seed`, async () => {
    const context = { seed: 3, quick: true, threads: 1, data: chorales };
    const outcomes: Outcome[] = [];
    for (const variant of experiment.variants) {
      const outcome = await experiment.run(variant, context);
      outcomes.push(outcome);
      expect(outcome.parameters, variant.name).toBe(variant.parameters);
      for (const [name, value] of Object.entries(outcome.figures)) expect(value, `${variant.name} ${name}`).not.toBeNaN();
    }
    expect(await experiment.run(experiment.variants[0], context)).toEqual(outcomes[0]);
  });
}

test("weights of the published networks", () => {
  const weights = Object.fromEntries(EXPERIMENTS.map((experiment) => [experiment.name, experiment.variants.map((variant) => variant.parameters)]));
  expect(weights).toMatchObject({ "temporal-order": [156, 156, 172], adding: [93, 93], cerg: [424, 360], parity: [18_626, 18_626] });
});

test("the variants of an experiment differ in one line", () => {
  const changed = (experiment: Experiment): number[] => {
    const [first, ...others] = experiment.variants.map((variant) => variant.text.split("\n"));
    return others.map((lines) => (lines.length === first.length ? lines.filter((line, i) => line !== first[i]).length : -1));
  };
  expect(Object.fromEntries(EXPERIMENTS.map((experiment) => [experiment.name, changed(experiment)]))).toEqual({
    parity: [1],
    cerg: [1],
    // The simple network of the second comparison is another text.
    "temporal-order": [1, -1],
    adding: [1],
    chung2014: [1, 1],
    "selective-copying": [1],
  });
});

test("limits judge: figures within them meet every claim, figures beyond them none, a missing variant none", () => {
  const good: Record<string, Record<string, Record<string, number>>> = {
    parity: { "2σ - 1": { scaledAccuracy: 0.95 }, σ: { scaledAccuracy: 0.15 } },
    cerg: { "forget gate": { perfectStreams: 10, wrong: 0 }, "no forget gate": { perfectStreams: 0, errorFree: 499 } },
    "temporal-order": { "rule of 1997": { solved: 1, sequences: 60_000, wrong: 3 }, "no carousel": { accuracy: 0.3 }, tanh: { accuracy: 0.25 } },
    adding: { "rule of 1997": { error: 0.0099, wrong: 20 }, "no carousel": { error: 0.16 } },
    chung2014: { tanh: { test: 8.7 }, GRU: { test: 8.6 }, LSTM: { test: 8.5 } },
    "selective-copying": { "a = σ(W·u + b)": { accuracy: 0.99 }, "a = σ(b)": { accuracy: 0.85 } },
  };
  const bad: typeof good = {
    parity: { "2σ - 1": { scaledAccuracy: 0.94 }, σ: { scaledAccuracy: 0.16 } },
    cerg: { "forget gate": { perfectStreams: 9, wrong: 1 }, "no forget gate": { perfectStreams: 1, errorFree: 500 } },
    "temporal-order": { "rule of 1997": { solved: 0, sequences: 60_000, wrong: 4 }, "no carousel": { accuracy: 0.31 }, tanh: { accuracy: 0.4 } },
    adding: { "rule of 1997": { error: 0.01, wrong: 21 }, "no carousel": { error: 0.1 } },
    chung2014: { tanh: { test: 8.6 }, GRU: { test: 8.61 }, LSTM: { test: 8.7 } },
    "selective-copying": { "a = σ(W·u + b)": { accuracy: 0.98 }, "a = σ(b)": { accuracy: 0.86 } },
  };
  const judged = (name: string, figures: Record<string, Record<string, number>>): readonly Claim[] => {
    const runs: MeasuredRun[] = Object.entries(figures).map(([variant, own]) => ({ variant, seed: 1, parameters: 1, durationMs: 1, figures: own }));
    return findExperiment(name).judge(runs);
  };
  for (const { name, variants } of EXPERIMENTS) {
    expect(Object.keys(good[name])).toEqual(variants.map((variant) => variant.name));
    expect(judged(name, good[name]).filter((claim) => !claim.met)).toEqual([]);
    expect(judged(name, bad[name]).filter((claim) => claim.met)).toEqual([]);
    expect(judged(name, {}).some((claim) => claim.met)).toBe(false);
  }
});

test("the page of experiments names every experiment", () => {
  const page = readFileSync(new URL("../../../docs/experiments.md", import.meta.url), "utf8");
  for (const { name } of EXPERIMENTS) expect(page).toContain(`## ${name}:`);
});
