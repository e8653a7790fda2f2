/**
 * The programs by which wide vectors are judged: a small gated network's training step, compiled plainly and for joined vectors.
 *
 * Out: for each kind of arithmetic two programs that must give the same bits. Sizes are chosen so that every kind of tile, tail and pass is used.
 */
import { analyze, compileProgram, lower } from "../../compile.ts";
import { WHOLE_TRAINING } from "../../ir/network/variant.ts";
import type { Program } from "../../ir/program/node.ts";
import { invariant } from "../../support/invariant.ts";
import { codeFor, engineCode, type Joining } from "./engine.ts";

const TEXT = `probe(x, y) → h
  f = σ(Wf·x + Rf·h[t-1] + bf)
  n = tanh(Wn·x + Rn·h[t-1] + bn)
  h = f * h[t-1] + (1 - f) * n
  d = h - y
  loss = sum(d * d + softplus(d))
  where y ∈ ℝ^H
`;
const SIZES = { D: 21, H: 100 };
const BATCH = 13;
/** Time steps of a run of the probe. */
export const PROBE_STEPS = 6;

export interface ProbePair {
  readonly arithmetic: keyof Joining;
  readonly plain: Program;
  readonly wide: Program;
}

/** The pairs to compare on this engine. */
export function probePrograms(): ProbePair[] {
  const { network } = analyze({ name: "probe.gate", text: TEXT });
  invariant(network !== undefined, "the probe's equations have a mistake");
  const features = network.inputs.find(({ name }) => name === "x")!.shape[0].terms[0].names[0];
  const sizes = Object.fromEntries(network.sizes.filter(({ free }) => free).map(({ name }) => [name, name === features ? SIZES.D : SIZES.H]));
  const { graph } = lower(network, { ...WHOLE_TRAINING, sizes, batch: BATCH, outputs: ["h", "loss"], gradient: { of: "loss", inputs: ["x"] } });
  const { D, H } = SIZES;
  const weights = ["f", "n"].flatMap((gate) => [
    { name: `W${gate}`, shape: [H, D] },
    { name: `R${gate}`, shape: [H, H] },
    { name: `b${gate}`, shape: [H] },
  ]);
  const compiled = (fused: boolean, joins: Joining | undefined): Program =>
    compileProgram([{ entry: "forward", graph }], { capacity: PROBE_STEPS, batch: BATCH, weights, ...codeFor(fused, joins) }).program;
  const both: Joining = { deterministic: true, fused: true };
  const pair = (fused: boolean): ProbePair => ({
    arithmetic: fused ? "fused" : "deterministic",
    plain: compiled(fused, undefined),
    wide: compiled(fused, both),
  });
  return engineCode().fused ? [pair(false), pair(true)] : [pair(false)];
}
