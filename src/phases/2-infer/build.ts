/**
 * Phase 2, second half: network → tensor graph at concrete sizes.
 *
 * In: a network and the variant wanted of it. Out: a graph whose inputs and outputs have the names that variant.ts fixes. One scan for each recurrence;
 * everything else works on whole sequences. Never differentiates, never simplifies.
 */
import { SluiceError } from "../../support/diagnostic.ts";
import { invariant } from "../../support/invariant.ts";
import { whyNotCarried } from "../../ir/network/carrying.ts";
import { type Equation, visitTerm } from "../../ir/network/equation.ts";
import type { Network, Size } from "../../ir/network/node.ts";
import { printSize } from "../../ir/network/print.ts";
import type { Clamp, Variant } from "../../ir/network/variant.ts";
import type { AxisName, Graph } from "../../ir/tensor/node.ts";
import { graphBuilder, type NodeId } from "../../ir/tensor/build.ts";
import { choose, noteIndexAxes, numberValue, type OuterFrame, sizeTable, standard, type Value, withDims } from "./build-frame.ts";
import { buildRecurrence, type RecurrenceHost, stateDepths, stateKey } from "./build-recurrence.ts";
import { emit } from "./emit-term.ts";
import { runningSum } from "./running-sum.ts";
import { timeMask } from "./time-mask.ts";

/**
 * The tensor graph of a variant.
 * @throws SluiceError E453 if a size is missing, E451 if one does not come out as a positive whole number, E450 if a component is not there
 * @throws SluiceError E458 if the loss of a network without one is wanted
 * @throws SluiceError E460 if a network with look-ahead, sums over time or a backward recurrence is to carry its state
 */
export function build(network: Network, variant: Variant): Graph {
  const b = graphBuilder([
    ["t", "T"],
    ["b", variant.batch],
  ]);
  const number = sizeNumbers(variant);
  const indexAxes = indexAxesOf(network);
  const sizes = sizeTable(b, number, indexAxes);
  noteIndexAxes(sizes, new Set(indexAxes.values()));
  for (const index of network.indices) b.declareAxis(indexAxes.get(index.name)!, index.kind === "time" ? "T" : number(index.size!));
  const equations = new Map(network.equations.map((equation) => [equation.name, equation]));
  const carried = variant.initial === "carried";
  if (carried) refuseStreaming(network);
  const valid = variant.lengths ? b.input("valid", ["t", "b"]) : undefined;
  const reset = variant.reset ? b.input("reset", ["t", "b"]) : undefined;
  const lengths = (): NodeId => b.input("lengths", ["b"], "index");
  const computed = new Map<string, Value>();
  const finals = new Map<string, NodeId>();
  const carriedKeys = new Set<string>();
  let streams = 0;

  const outside: OuterFrame = {
    b,
    sizes,
    get outside() {
      return outside;
    },
    isMember: () => false,
    indicesOf: (name) => equations.get(name)!.indices,
    value(name, lag) {
      const value = computed.get(name);
      invariant(value, `${name} is read before it is computed`);
      return shifted(name, value, lag);
    },
    input,
    weight,
    lift: (value) => value,
    random(axes) {
      if (variant.mode !== "train") return undefined;
      return b.random(b.input("seed", [], "index"), streams++, axes);
    },
    mask: (index) => timeMask(outside, network.indices.find((each) => each.name === index)!, number, valid, reset),
    delay: (value, lag) => shifted(undefined, value, lag),
    runningSum(value) {
      const within = valid === undefined ? value : choose(outside, valid, value, numberValue(outside, 0));
      const { high, low } = runningSum(b, within.node);
      return [
        { node: high, dims: value.dims },
        { node: low, dims: value.dims },
      ];
    },
  };

  function input(name: string, lag: number): Value {
    const declaration = network.inputs.find((each) => each.name === name)!;
    const axes = sizes.axes(declaration.shape);
    const given = [...(declaration.perStep ? ["t"] : []), ...(declaration.perExample ? ["b"] : []), ...axes];
    const isAhead = lag < 0 && declaration.perStep;
    let value: Value = { node: b.input(isAhead ? `${name}@${-lag}` : name, given, declaration.type), dims: axes };
    // What lies beyond the end of a sequence is 0, whatever the padding holds.
    if (isAhead && valid !== undefined && declaration.type === "real") {
      const within = b.shift(valid, lag, b.filled(0, ["b"]));
      value = choose(outside, within, value, numberValue(outside, 0));
    }
    if (isAhead && reset !== undefined) {
      const zero = declaration.type === "index" ? { node: b.constant(0, "index"), dims: [] } : numberValue(outside, 0);
      for (let distance = 1; distance <= -lag; distance++) {
        const ends = b.shift(reset, -distance, b.filled(0, ["b"]));
        value = choose(outside, ends, zero, value);
      }
    }
    return lag > 0 && declaration.perStep ? shifted(name, value, lag) : value;
  }

  function weight(name: string): Value {
    const declaration = network.weights.find((each) => each.name === name)!;
    const axes = sizes.axes(declaration.shape);
    const node = b.weight(name, axes);
    if (variant.mode !== "train" || !variant.weightNoise) return { node, dims: axes };
    return { node: noisy(name, node, axes, variant.weightNoise), dims: axes };
  }

  const noise = new Map<string, NodeId>();
  /** The weight plus a Gaussian (Box & Muller 1958), drawn once a run. */
  function noisy(name: string, node: NodeId, axes: readonly AxisName[], deviation: number): NodeId {
    const known = noise.get(name);
    if (known !== undefined) return known;
    const uniform = (): NodeId => b.random(b.input("seed", [], "index"), streams++, axes);
    const radius = b.sqrt(b.mul(b.constant(-2), b.log1p(b.neg(uniform()))));
    const gaussian = b.mul(radius, b.cos(b.mul(b.constant(2 * Math.PI), uniform())));
    const result = b.add(node, b.mul(b.constant(deviation), gaussian));
    noise.set(name, result);
    return result;
  }

  /** A value at t - lag, one step at a time, each step with the value that lies before the first (after the last, if later ones are read). */
  function shifted(name: string | undefined, value: Value, lag: number): Value {
    if (lag === 0 || !b.axesOf(value.node).includes("t")) return value;
    let node = value.node;
    if (lag < 0 && valid !== undefined) node = choose(outside, valid, value, numberValue(outside, 0)).node;
    const axes = b.axesOf(node).filter((axis) => axis !== "t");
    for (let depth = 1; depth <= Math.abs(lag); depth++) {
      if (lag > 0) node = earlier(name, depth, node);
      else node = later(name, depth, node);
    }
    return { node, dims: value.dims };

    function earlier(of: string | undefined, depth: number, now: NodeId): NodeId {
      const initial = of === undefined ? b.filled(0, axes) : b.expand(initialOf(of, depth, !carried).node, axes);
      if (carried && of !== undefined) noteCarried(of, depth, now);
      const before = b.shift(now, 1, initial);
      if (reset === undefined) return before;
      const fresh = of === undefined ? b.filled(0, axes) : b.expand(initialOf(of, depth, true).node, axes);
      return choose(outside, reset, { node: fresh, dims: value.dims }, { node: before, dims: value.dims }).node;
    }

    function later(of: string | undefined, depth: number, now: NodeId): NodeId {
      const written = of !== undefined && network.initials.some((each) => each.state === of && each.lag === -depth);
      // What was written for a nearer step stands beyond the sequence too, and must not be read for one further on.
      const beyond = of !== undefined && network.initials.some((each) => each.state === of && each.lag < 0 && each.lag >= -depth);
      const final = written ? b.expand(initialOf(of, -depth, true).node, axes) : b.filled(0, axes);
      const after = b.shift(now, -1, final);
      const ends = [
        ...(reset === undefined ? [] : [endsDocument(reset)]),
        ...(beyond && valid !== undefined ? [b.sub(valid, b.shift(valid, -1, b.filled(0, ["b"])))] : []),
      ];
      return ends.reduce((kept, end) => choose(outside, end, { node: final, dims: value.dims }, { node: kept, dims: value.dims }).node, after);
    }
  }

  /** 1 at the last step of each document but the last one. */
  function endsDocument(begins: NodeId): NodeId {
    return b.shift(begins, -1, b.filled(0, ["b"]));
  }

  function noteCarried(name: string, depth: number, node: NodeId): void {
    const key = stateKey(name, depth);
    carriedKeys.add(key);
    if (!finals.has(key)) finals.set(key, b.last(node, variant.lengths ? lengths() : undefined));
  }

  function axesOf(equation: Equation): { indices: AxisName[]; dims: readonly AxisName[] } {
    return { indices: equation.indices.map((index) => sizes.index(index)), dims: sizes.axes(equation.shape) };
  }

  /** The value `depth` steps before the first, or, negative, after the last: [b, indices, dims]. */
  function initialOf(name: string, depth: number, fresh: boolean): Value {
    const equation = equations.get(name);
    const declaration = network.inputs.find((each) => each.name === name);
    const dims = sizes.axes(equation ? equation.shape : declaration!.shape);
    const indices = equation ? axesOf(equation).indices : [];
    const axes = ["b", ...indices, ...dims];
    if (!fresh) {
      carriedKeys.add(stateKey(name, depth));
      return { node: b.input(`state:${stateKey(name, depth)}`, axes, declaration?.type ?? "real"), dims };
    }
    const written = network.initials.find((each) => each.state === name && each.lag === depth);
    if (!written) return { node: declaration?.type === "index" ? b.broadcast(b.constant(0, "index"), axes) : b.filled(0, axes), dims };
    const value = emit(outside, written.value);
    const placed = value.dims.length > 0 ? withDims(outside, value, dims) : value;
    return { node: b.expand(placed.node, axes), dims };
  }

  const host: RecurrenceHost = {
    outside,
    axesOf,
    initial: (name, depth, fresh) => initialOf(name, depth, fresh || !carried),
    valid,
    clampOf,
    clampValues,
    frameParts: { sizes, number, indexAxes },
  };

  function clampOf(name: string): Clamp | undefined {
    return variant.clamps?.find((clamp) => clamp.value === name);
  }
  function clampValues(name: string): Value {
    const { indices, dims } = axesOf(equations.get(name)!);
    return { node: b.input(`clamp:${name}`, [...indices, ...dims]), dims };
  }

  const wanted = wantedValues(network, variant);
  const recurrenceOf = new Map(network.recurrences.flatMap((recurrence, k) => recurrence.names.map((name) => [name, k] as const)));
  for (const equation of network.equations) {
    const { name } = equation;
    if (!wanted.has(name) || computed.has(name)) continue;
    const k = recurrenceOf.get(name);
    if (k === undefined) define(equation);
    else defineRecurrence(k);
  }

  function define(equation: Equation): void {
    const raw = standard(outside, emit(outside, equation.value), equation.shape);
    const value = probed(equation, clampOutside(equation, raw));
    const isAlias = equation.value.kind === "value" && equation.value.lag === 0 && !clampOf(equation.name);
    computed.set(equation.name, isAlias ? value : { node: b.named(value.node, equation.name, equation.span), dims: value.dims });
  }

  /** A value plus an input that is zero in use: where its gradient is asked for. */
  function probed(equation: Equation, value: Value): Value {
    if (!variant.probes?.includes(equation.name)) return value;
    const axes = b.axesOf(value.node);
    return { node: b.add(value.node, b.input(`probe:${equation.name}`, axes)), dims: value.dims };
  }

  function clampOutside(equation: Equation, value: Value): Value {
    const clamp = clampOf(equation.name);
    if (!clamp) return value;
    const axes = b.axesOf(value.node);
    if (clamp.to.kind === "constant") return { node: b.filled(clamp.to.value, axes), dims: value.dims };
    if (clamp.to.kind === "values") return { node: b.expand(clampValues(equation.name).node, [...axes]), dims: value.dims };
    return axes.includes("t") ? { node: b.expand(b.pick(value.node, "t", 0), axes), dims: value.dims } : value;
  }

  function defineRecurrence(k: number): void {
    const { names, direction } = network.recurrences[k];
    const members = names.map((name) => equations.get(name)!);
    const reverse = direction === "backward";
    const emitted = names.filter((name) => wanted.get(name)!.has("sequence"));
    const begins = reset !== undefined && reverse ? endsDocument(reset) : reset;
    const result = buildRecurrence({ ...host, reset: begins }, { equations: members, reverse, emitted });
    for (const [name, value] of result.sequences) computed.set(name, value);
    for (const [key, node] of result.finals) {
      finals.set(key, node);
      if (carried) carriedKeys.add(key);
    }
  }

  const outputs: { name: string; node: NodeId }[] = [];
  const output = (name: string, node: NodeId): void => {
    if (!outputs.some((each) => each.name === name)) outputs.push({ name, node });
  };
  const terms: NodeId[] = [];

  for (const name of variant.outputs) {
    const node = outputNode(name);
    output(name, node);
    if (variant.gradient?.of === "cotangents" && name !== "loss") {
      const cotangent = b.input(`cotangent:${name}`, b.axesOf(node));
      terms.push(b.axesOf(node).length > 0 ? b.sum(b.mul(node, cotangent), b.axesOf(node)) : b.mul(node, cotangent));
    }
  }
  if (variant.gradient?.of === "loss") output("loss", outputNode("loss"));
  if (variant.gradient?.states) {
    if (variant.gradient.of === "loss") terms.push(outputNode("loss"));
    for (const key of carriedKeys) {
      const final = finals.get(key);
      if (final !== undefined) terms.push(b.sum(b.mul(final, b.input(`cotangent:state:${key}`, b.axesOf(final))), b.axesOf(final)));
    }
  }
  if (variant.gradient?.of === "cotangents" || variant.gradient?.states) output("objective", b.addAll(terms));
  if (carried) for (const key of carriedKeys) if (finals.has(key)) output(`state:${key}`, finals.get(key)!);
  return b.finish(outputs);

  function outputNode(name: string): NodeId {
    if (name === "loss") {
      const steps = lossSteps();
      return b.contract(steps, b.input("loss_weight", ["t", "b"]), ["t", "b"]);
    }
    if (name === "loss_steps") return lossSteps();
    const last = /^(.*)\[T\]$/.exec(name);
    if (last) return lastValue(last[1]);
    return sequence(name);
  }

  function lossSteps(): NodeId {
    if (!network.loss) throw new SluiceError("E458", "the network defines no loss: add an equation `loss = …`, or choose a loss for its output");
    return sequence(network.loss);
  }

  /** The whole of a value: [t, b, indices, dims], 0 in padding. */
  function sequence(name: string): NodeId {
    const equation = equations.get(name);
    const value = equation ? computed.get(name)! : input(name, 0);
    if (!equation && !network.inputs.some((each) => each.name === name)) invariant(false, `there is no value ${name}`);
    const { indices, dims } = equation ? axesOf(equation) : { indices: [], dims: value.dims };
    const whole = b.expand(value.node, ["t", "b", ...indices, ...dims]);
    if (valid === undefined) return whole;
    return choose(outside, valid, { node: whole, dims }, { node: b.node(whole).type === "index" ? b.constant(0, "index") : b.constant(0), dims: [] })
      .node;
  }

  function lastValue(name: string): NodeId {
    const equation = equations.get(name);
    invariant(equation, `there is no value ${name}`);
    const k = recurrenceOf.get(name);
    const final = k === undefined ? undefined : finals.get(name);
    const { indices, dims } = axesOf(equation);
    if (final !== undefined) return b.expand(final, ["b", ...indices, ...dims]);
    const reverse = k !== undefined && network.recurrences[k].direction === "backward";
    const value = computed.get(name)!;
    if (!b.axesOf(value.node).includes("t")) return b.expand(value.node, ["b", ...indices, ...dims]);
    const whole = b.expand(value.node, ["t", "b", ...indices, ...dims]);
    return b.last(whole, variant.lengths && !reverse ? lengths() : undefined, reverse);
  }
}

/** Evaluates sizes. */
function sizeNumbers(variant: Variant): (size: Size) => number {
  return (size) => {
    let total = 0;
    for (const { coefficient, names } of size.terms) {
      let product = coefficient;
      for (const name of names) {
        const value = variant.sizes[name];
        if (value === undefined) throw new SluiceError("E453", `the size ${name} has no value`);
        product *= value;
      }
      total += product;
    }
    if (!Number.isInteger(total) || total < 1)
      throw new SluiceError("E451", `the size ${printSize(size)} is ${total}, but has to be a positive whole number`);
    return total;
  };
}

/** Axis names of indices: as the author named them, apart from t and b. */
function indexAxesOf(network: Network): Map<string, AxisName> {
  return new Map(network.indices.map((index) => [index.name, index.name === "b" || index.name === "t" ? `${index.name}_` : index.name]));
}

/** The definitions that the outputs need, and whether as sequences or only as part of a recurrence. */
function wantedValues(network: Network, variant: Variant): Map<string, ReadonlySet<string>> {
  const equations = new Map(network.equations.map((equation) => [equation.name, equation]));
  const recurrenceOf = new Map(network.recurrences.flatMap((recurrence, k) => recurrence.names.map((name) => [name, k] as const)));
  const wanted = new Map<string, Set<string>>();
  const work: string[] = [];
  const want = (name: string, how: string): void => {
    if (!equations.has(name)) return;
    const known = wanted.get(name);
    if (known) {
      known.add(how);
      return;
    }
    wanted.set(name, new Set([how]));
    work.push(name);
  };
  for (const name of variant.outputs) {
    const last = /^(.*)\[T\]$/.exec(name);
    if (last) {
      const depths = recurrenceOf.has(last[1])
        ? stateDepths(network.recurrences[recurrenceOf.get(last[1])!].names.map((each) => equations.get(each)!))
        : undefined;
      want(last[1], depths?.has(last[1]) ? "state" : "sequence");
    } else if (name === "loss" || name === "loss_steps") want(network.loss ?? "", "sequence");
    else want(name, "sequence");
  }
  if (variant.gradient?.of === "loss" && network.loss) want(network.loss, "sequence");
  while (work.length > 0) {
    const name = work.pop()!;
    const own = recurrenceOf.get(name);
    if (own !== undefined) for (const member of network.recurrences[own].names) want(member, "state");
    visitTerm(equations.get(name)!.value, (term) => {
      if (term.kind === "value") want(term.name, own !== undefined && recurrenceOf.get(term.name) === own ? "state" : "sequence");
    });
  }
  return wanted;
}

function refuseStreaming(network: Network): void {
  const why = whyNotCarried(network);
  if (why !== undefined) throw new SluiceError("E460", `state cannot be carried: ${why}`);
}
