/**
 * The network and the learning rule of 1997 as a text: memory cells in blocks, gates that see gates, error that goes back in time through the cells alone.
 *
 * `stop_gradient` on what cells and gates send to the next step is the whole of the truncation: what is left of back-propagation through time is the
 * paper's rule.
 * @source Hochreiter & Schmidhuber 1997, "Long short-term memory" (Neural Computation 9:1735), section 4 and appendix A.1; training as in section 5:
 * one sequence at a time, gradient descent without momentum, weights U(-0.1, 0.1), input gates biased against opening early
 */
import type { TrainingPlan } from "./experiment.ts";

const CAROUSEL = "  s[b] = s[b,t-1] + i[b]*g[b]";
const NO_CAROUSEL = "  s[b] = i[b]*g[b]";

/** The text of a network of B blocks of S cells with σ read-outs; `carousel` false takes away the self-connection of weight 1, the paper's idea. */
export function ruleOf1997(name: string, carousel: boolean): string {
  return `# Long short-term memory of 1997 with its truncated gradient: ${name.replace("_", " ")}
# Hochreiter & Schmidhuber 1997 (Neural Computation 9:1735), section 4 and appendix A.1: g = 4σ - 2, h = 2σ - 1
${name}(x, y) → p
  i = σ(Wi·x + Σ_e Uhi[e]·h̄[e,t-1] + Uii·ī[t-1] + Uoi·ō[t-1] + bi)
  o = σ(Wo·x + Σ_e Uho[e]·h̄[e,t-1] + Uio·ī[t-1] + Uoo·ō[t-1] + bo)
  g[b] = 4*σ(Wc[b]·x + Σ_e Uhc[b,e]·h̄[e,t-1] + Uic[b]·ī[t-1] + Uoc[b]·ō[t-1] + bc[b]) - 2
${carousel ? CAROUSEL : NO_CAROUSEL}
  h[b] = o[b]*(2*σ(s[b]) - 1)
  h̄[b] = stop_gradient(h[b])
  ī = stop_gradient(i)
  ō = stop_gradient(o)
  p = σ(Σ_b Wp[b]·h[b] + bp)
  loss = sum((p - y)^2) / 2
  where b ∈ 1..B, e ∈ 1..B, s[b] ∈ ℝ^S
`;
}

/** Training of section 5 for two blocks of two cells. */
export function trainingOf1997(
  inputBiases: readonly [number, number],
): Pick<TrainingPlan, "optimizer" | "learningRate" | "clip" | "begin" | "sizes"> {
  return {
    optimizer: { kind: "sgd", momentum: 0 },
    learningRate: 0.5,
    clip: 0,
    begin: { bound: 0.1, biases: { bi: inputBiases } },
    sizes: { B: 2, S: 2 },
  };
}
