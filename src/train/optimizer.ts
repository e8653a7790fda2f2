/**
 * Optimizers as tensor graphs over the flat array of all trained numbers: one compiled entry updates everything.
 *
 * In: names and constants. Out: a graph. It reads "parameters", "gradients" and its own "optimizer:…" arrays [P], and scalars the host sets each step; it
 * overwrites parameters and moments ("assign:…") and gives the "norm" of the gradient before clipping. If the norm is not finite, nothing changes.
 */
import type { Graph } from "../ir/tensor/node.ts";
import { type GraphBuilder, graphBuilder, type NodeId } from "../ir/tensor/build.ts";
import { SluiceError } from "../support/diagnostic.ts";
import { checkOptions, type OptionNames, requireWord } from "../support/options.ts";

/** Named optimizers with their constants; defaults are those of the papers. */
export type OptimizerOptions =
  /** Momentum 0.9 by default; Nesterov's form as in Sutskever et al. 2013. */
  | { readonly kind: "sgd"; readonly momentum?: number; readonly nesterov?: boolean }
  /** Tieleman & Hinton 2012: decay 0.9, epsilon 1e-8, no momentum. */
  | { readonly kind: "rmsprop"; readonly decay?: number; readonly epsilon?: number; readonly momentum?: number }
  /** Kingma & Ba 2015: 0.9, 0.999, 1e-8. */
  | { readonly kind: "adam"; readonly beta1?: number; readonly beta2?: number; readonly epsilon?: number }
  /** Loshchilov & Hutter 2019: Adam and a decay of 0.01, of weights with two or more axes only. */
  | { readonly kind: "adamw"; readonly beta1?: number; readonly beta2?: number; readonly epsilon?: number; readonly weightDecay?: number };

export type OptimizerKind = OptimizerOptions["kind"];

/** Usual learning rates, where the caller gives none. */
export const usualLearningRate: Readonly<Record<OptimizerKind, number>> = { sgd: 0.1, rmsprop: 0.001, adam: 0.002, adamw: 0.002 };

/** The largest float32: a norm above it is not finite in a kernel. */
const greatestNorm = 3.4e38;
const axis = "P";

interface Update {
  readonly parameters: NodeId;
  readonly moments: Readonly<Record<string, NodeId>>;
}

interface Parts {
  readonly graph: GraphBuilder;
  readonly parameters: NodeId;
  /** The clipped gradient. */
  readonly gradient: NodeId;
  readonly rate: NodeId;
  moment(name: string): NodeId;
  times(factor: number, x: NodeId): NodeId;
}

/** The update as a graph over `parameterCount` numbers. @throws SluiceError E462 for constants that cannot be meant */
export function optimizerGraph(options: OptimizerOptions, parameterCount: number): Graph {
  checkOptimizer(options);
  const graph = graphBuilder();
  graph.declareAxis(axis, parameterCount);
  const parameters = graph.input("parameters", [axis]);
  const raw = graph.input("gradients", [axis]);
  const norm = graph.sqrt(graph.contract(raw, raw, axis));
  const scale = graph.min(graph.constant(1), graph.div(graph.input("clip", []), graph.max(norm, graph.constant(1e-30))));
  const moments = new Map<string, NodeId>();
  const update = updateOf(options, {
    graph,
    parameters,
    gradient: graph.mul(raw, scale),
    rate: graph.input("learning_rate", []),
    moment(name) {
      const moment = graph.input(`optimizer:${name}`, [axis]);
      moments.set(name, moment);
      return moment;
    },
    times: (factor, x) => graph.mul(x, graph.constant(factor)),
  });
  const finite = graph.less_equal(norm, graph.constant(greatestNorm));
  const outputs: Record<string, NodeId> = { "assign:parameters": graph.expand(graph.select(finite, update.parameters, parameters), [axis]) };
  for (const [name, next] of Object.entries(update.moments))
    outputs[`assign:optimizer:${name}`] = graph.expand(graph.select(finite, withoutDenormals(graph, next), moments.get(name)!), [axis]);
  return graph.finish({ ...outputs, norm });
}

/** 0 in place of what is smaller than 2⁻¹²⁶: the moments of a weight that has no gradient any more shrink until rounding keeps them there, and are slow for ever. */
function withoutDenormals(graph: GraphBuilder, x: NodeId): NodeId {
  const smallest = graph.constant(2 ** -126);
  return graph.select(graph.less_equal(smallest, graph.abs(x)), x, graph.constant(0));
}

function updateOf(options: OptimizerOptions, parts: Parts): Update {
  switch (options.kind) {
    case "sgd":
      return momentum(options.momentum ?? 0.9, options.nesterov ?? false, parts.gradient, parts);
    case "rmsprop":
      return rmsprop(options, parts);
    case "adam":
      return adam(options, parts, undefined);
    case "adamw":
      return adam(options, parts, options.weightDecay ?? 0.01);
  }
}

// v ← μ·v + g;  p ← p - η·v, or p - η·(g + μ·v) in Nesterov's form.
function momentum(factor: number, nesterov: boolean, gradient: NodeId, { graph, parameters, rate, moment, times }: Parts): Update {
  if (factor === 0) return { parameters: graph.sub(parameters, graph.mul(gradient, rate)), moments: {} };
  const velocity = graph.add(times(factor, moment("momentum")), gradient);
  const direction = nesterov ? graph.add(gradient, times(factor, velocity)) : velocity;
  return { parameters: graph.sub(parameters, graph.mul(direction, rate)), moments: { momentum: velocity } };
}

// v ← ρ·v + (1-ρ)·g²;  p ← p - η·g / (√v + ε), the quotient through momentum if there is any.
function rmsprop(options: OptimizerOptions & { readonly kind: "rmsprop" }, parts: Parts): Update {
  const { graph, gradient, moment, times } = parts;
  const decay = options.decay ?? 0.9;
  const square = graph.add(times(decay, moment("square")), times(1 - decay, graph.mul(gradient, gradient)));
  const quotient = graph.div(gradient, graph.add(graph.sqrt(square), graph.constant(options.epsilon ?? 1e-8)));
  const update = momentum(options.momentum ?? 0, false, quotient, parts);
  return { parameters: update.parameters, moments: { ...update.moments, square } };
}

// m ← β₁·m + (1-β₁)·g;  v ← β₂·v + (1-β₂)·g²;  p ← p - η·(m/(1-β₁ⁿ)) / (√(v/(1-β₂ⁿ)) + ε); with decay λ: p ← (1 - η·λ)·p first.
function adam(
  options: { readonly beta1?: number; readonly beta2?: number; readonly epsilon?: number },
  { graph, parameters, gradient, rate, moment, times }: Parts,
  weightDecay: number | undefined,
): Update {
  const beta1 = options.beta1 ?? 0.9;
  const beta2 = options.beta2 ?? 0.999;
  const m = graph.add(times(beta1, moment("m")), times(1 - beta1, gradient));
  const v = graph.add(times(beta2, moment("v")), times(1 - beta2, graph.mul(gradient, gradient)));
  const root = graph.sqrt(graph.mul(v, graph.input("correction2", [])));
  const quotient = graph.div(graph.mul(m, graph.input("correction1", [])), graph.add(root, graph.constant(options.epsilon ?? 1e-8)));
  const decayed =
    weightDecay === undefined
      ? parameters
      : graph.mul(parameters, graph.sub(graph.constant(1), graph.mul(times(weightDecay, graph.input("optimizer:decays", [axis])), rate)));
  return { parameters: graph.sub(decayed, graph.mul(quotient, rate)), moments: { m, v } };
}

/** Names of the arrays that an optimizer keeps from step to step, without "optimizer:". */
export function momentNames(options: OptimizerOptions): readonly string[] {
  switch (options.kind) {
    case "sgd":
      return (options.momentum ?? 0.9) === 0 ? [] : ["momentum"];
    case "rmsprop":
      return (options.momentum ?? 0) === 0 ? ["square"] : ["momentum", "square"];
    default:
      return ["m", "v"];
  }
}

/** What the host sets before step `step` (counted from 1): factors that undo the bias of moments that began at zero. */
export function biasCorrections(options: OptimizerOptions, step: number): { readonly correction1: number; readonly correction2: number } {
  const [beta1, beta2] = options.kind === "adam" || options.kind === "adamw" ? [options.beta1 ?? 0.9, options.beta2 ?? 0.999] : [0, 0];
  return { correction1: 1 / (1 - beta1 ** step), correction2: 1 / (1 - beta2 ** step) };
}

const adamNames = { kind: true, beta1: true, beta2: true, epsilon: true } as const;
const constantsOf: { readonly [K in OptimizerKind]: OptionNames<Extract<OptimizerOptions, { readonly kind: K }>> } = {
  sgd: { kind: true, momentum: true, nesterov: true },
  rmsprop: { kind: true, decay: true, epsilon: true, momentum: true },
  adam: adamNames,
  adamw: { ...adamNames, weightDecay: true },
};

/** The options of an optimizer given by name or in full. @throws SluiceError E462 */
export function readOptimizer(given: OptimizerKind | OptimizerOptions = "adam"): OptimizerOptions {
  const options = typeof given === "string" ? { kind: given } : given;
  checkOptimizer(options);
  return options;
}

function checkOptimizer(options: OptimizerOptions): void {
  requireWord("optimizer", options?.kind, Object.keys(constantsOf));
  checkOptions(`the optimizer ${options.kind}`, options, constantsOf[options.kind] as OptionNames<OptimizerOptions>);
  for (const [name, value] of Object.entries(options)) {
    if (typeof value !== "number") continue;
    const share = name === "momentum" || name === "decay" || name === "beta1" || name === "beta2";
    if (!(value >= 0 && (share ? value < 1 : Number.isFinite(value))))
      throw new SluiceError(
        "E462",
        `the optimizer's ${name} must be ${share ? "at least 0 and less than 1" : "a number of at least 0"}, not ${value}`,
      );
  }
}
