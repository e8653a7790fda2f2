/** Matrix states behind products, transpositions and diagonals: kernels against the interpreter, the state and every gradient, sizes that differ. */
import { expect, test } from "vitest";
import { lower } from "../../src/compile.ts";
import { interpretGraph, load, runLoaded } from "./execute.ts";
import { mechanismSubject } from "./mechanism-subject.ts";

/** Of the largest magnitude of each array: five steps of products of three to five terms in float32. */
const TOLERANCE = 2e-5;

test.each([
  "S = diag(f)·S[t-1] + p⊗v",
  "S = S[t-1]·diag(f) + v⊗p",
  "A = diag(f)\n  S = A·S[t-1] + p⊗v",
  "A = diag(f)\n  S = S[t-1]·A + v⊗p",
  "A = p⊗f\n  S = A·S[t-1] + p⊗v",
  "A = p⊗f\n  S = A'·S[t-1] + p⊗v",
  "A = p⊗f\n  S = S[t-1]·A + v⊗p",
  "A = p⊗f\n  S = (S[t-1]'·A)' + p⊗v",
  "A = p⊗f\n  S = W·S[t-1] + A·M·S[t-1] + p⊗v",
  "A = p⊗f\n  S = A·S[t-1]·M + p⊗v",
])("%s", (equations) => {
  const text = `# A matrix state\nstate(p, v) → S\n  f = σ(p) + γ\n  ${equations}\n`;
  for (const steps of [1, 2, 5]) {
    const { network, variant, arrays } = mechanismSubject(equations, text, steps);
    const { graph } = lower(network, variant);
    const want = interpretGraph(graph, arrays, steps);
    const got = runLoaded(load(network, variant, arrays, steps + 2, graph), arrays, steps);
    for (const [name, values] of Object.entries(want)) {
      const largest = Array.from(values, Math.abs).reduce((a, b) => Math.max(a, b), 0);
      const worst = Array.from(values, (value, i) => Math.abs(value - got[name][i])).reduce(
        (a, b) => (Number.isNaN(b) ? Infinity : Math.max(a, b)),
        0,
      );
      expect(worst, `${name} after ${steps} steps`).toBeLessThanOrEqual(TOLERANCE * largest);
    }
  }
});
