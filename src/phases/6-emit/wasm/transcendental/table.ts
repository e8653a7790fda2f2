/**
 * Every function that has no instruction of its own: its expansion, the number of its operands, and whether it is written in place or called.
 * In place: the short ones that stand in the inner loops of gates, where the engine hoists their constants and overlaps their
 * chains. Called: the long ones, which would swell the code.
 */
import type { VectorUnary } from "../../../../ir/loop/node.ts";
import type { Instruction } from "../instruction.ts";
import { erf } from "./error-function.ts";
import { exp, expm1, sigmoid, tanh } from "./exponential.ts";
import { log, log1p, logSigmoid, softplus } from "./logarithm.ts";
import { pow } from "./power.ts";
import { cos, sin } from "./trigonometric.ts";

export type TranscendentalOp = Exclude<VectorUnary, "neg" | "abs" | "sign" | "step" | "recip" | "sqrt" | "relu" | "to_f32x4"> | "pow";

export interface Transcendental {
  readonly build: (x: Instruction, y: Instruction) => Instruction;
  readonly operands: 1 | 2;
  readonly inline: boolean;
}

export const transcendentals: { readonly [K in TranscendentalOp]: Transcendental } = {
  exp: { build: exp, operands: 1, inline: true },
  expm1: { build: expm1, operands: 1, inline: true },
  sigmoid: { build: sigmoid, operands: 1, inline: true },
  tanh: { build: tanh, operands: 1, inline: true },
  log: { build: log, operands: 1, inline: false },
  log1p: { build: log1p, operands: 1, inline: false },
  softplus: { build: softplus, operands: 1, inline: false },
  log_sigmoid: { build: logSigmoid, operands: 1, inline: true },
  erf: { build: erf, operands: 1, inline: false },
  sin: { build: sin, operands: 1, inline: false },
  cos: { build: cos, operands: 1, inline: false },
  pow: { build: pow, operands: 2, inline: false },
};
