/**
 * The op table of the tensor language: for every op its arity, its attributes, what kind of work it is, and the rule that gives the axes
 * and the type of its result. In: argument nodes and attributes. Out: shape of the result, or an InternalError that names the broken rule.
 *
 * The table is total (`satisfies { [K in Op]: … }`): an op without a rule does not compile.
 */
import { invariant } from "../../support/invariant.ts";
import { commonAxes, equalAxes, hasAxes, replaceAxis, sameAxisSet, unionAxes, withoutAxes } from "./axes.ts";
import type { Attributes, AxisName, BinaryOp, Node, Op, ScanAttributes, UnaryOp } from "./node.ts";
import {
  arithmetic,
  type AxisTable,
  binaryAxes,
  broken,
  comparison,
  declaredShape,
  elementwise,
  fixedSize,
  integerArithmetic,
  leaf,
  names,
  NONE,
  type OpRule,
  real,
  reduction,
  requireAxes,
  requireDistinct,
  requireOver,
  requireReal,
  scanOf,
  type Shape,
  sizeOf,
  structure,
  unary,
} from "./op-rules.ts";
import { isTimed, stepsTogether } from "./sizes.ts";

const unaryTable = {
  neg: unary,
  abs: unary,
  sign: unary,
  step: unary,
  recip: unary,
  sqrt: unary,
  exp: unary,
  expm1: unary,
  log: unary,
  log1p: unary,
  sin: unary,
  cos: unary,
  erf: unary,
  sigmoid: unary,
  tanh: unary,
  softplus: unary,
  log_sigmoid: unary,
  relu: unary,
  stop_gradient: unary,
  to_real: elementwise(1, (args) => {
    invariant(args[0].type === "index", "to_real takes an index");
    return real(args[0].axes);
  }),
} satisfies { [K in UnaryOp]: OpRule };

const binaryTable = {
  add: integerArithmetic,
  sub: integerArithmetic,
  mul: integerArithmetic,
  div: arithmetic,
  max: arithmetic,
  min: arithmetic,
  pow: arithmetic,
  less: comparison,
  less_equal: comparison,
  equal: comparison,
} satisfies { [K in BinaryOp]: OpRule };

const unaryNames: ReadonlySet<string> = new Set(Object.keys(unaryTable));
const binaryNames: ReadonlySet<string> = new Set(Object.keys(binaryTable));

export const opTable = {
  ...unaryTable,
  ...binaryTable,
  input: leaf(["name"], declaredShape),
  weight: leaf(["name"], (args, attributes, axes, declared) => {
    const shape = declaredShape(args, attributes, axes, declared);
    for (const axis of shape.axes) if (isTimed(sizeOf(axes, axis)) || axis === "b") broken(`a weight cannot have the axis ${axis}`);
    return shape;
  }),
  constant: leaf(["value"], (_args, _attributes, _axes, declared) => {
    invariant(!declared || declared.axes.length === 0, "a constant has no axes");
    return { axes: [], type: declared?.type ?? "real" };
  }),
  iota: leaf(["axis"], (_args, attributes, axes) => {
    sizeOf(axes, attributes.axis!);
    return { axes: [attributes.axis!], type: "index" };
  }),
  random: leaf(
    ["stream"],
    (args, attributes, axes, declared) => {
      invariant(args[0].type === "index" && args[0].axes.length === 0, "the seed is an index without axes");
      const shape = declaredShape(args, attributes, axes, declared);
      invariant(shape.type === "real", "random numbers are real");
      const time = shape.axes.findIndex((axis) => isTimed(sizeOf(axes, axis)));
      invariant(time <= 0, "time must be the first axis of random numbers, so that they do not depend on its length");
      return shape;
    },
    [1, 1],
  ),
  parameter: leaf(["kind", "index"], declaredShape),
  select: elementwise(3, (args) => {
    invariant(args[0].type === "real", "a condition is real");
    invariant(args[1].type === args[2].type, "both sides of a select must be real or both index");
    return { axes: unionAxes(args[0].axes, args[1].axes, args[2].axes), type: args[1].type };
  }),
  sum: reduction(1, (args, attributes) => {
    requireReal(args);
    requireOver(attributes.over!);
    requireAxes(args[0], attributes.over!);
    return real(withoutAxes(args[0].axes, attributes.over!));
  }),
  max_over: reduction(1, (args, attributes) => {
    requireReal(args);
    requireOver(attributes.over!);
    requireAxes(args[0], attributes.over!);
    return real(withoutAxes(args[0].axes, attributes.over!));
  }),
  argmax: reduction(1, (args, attributes) => {
    requireReal(args);
    invariant(attributes.over!.length === 1, "argmax is over one axis");
    requireAxes(args[0], attributes.over!);
    return { axes: withoutAxes(args[0].axes, attributes.over!), type: "index" };
  }),
  contract: reduction(2, (args, attributes) => {
    requireReal(args);
    requireOver(attributes.over!);
    const all = binaryAxes(args);
    if (!hasAxes(all, attributes.over!)) broken(`axes [${attributes.over}] are not all in [${all}]`);
    return real(withoutAxes(all, attributes.over!));
  }),
  rename: structure(["from", "to"], true, (args, attributes, axes) => {
    const from = attributes.from!;
    const to = names(attributes.to);
    invariant(from.length === to.length, "rename needs as many new names as old ones");
    requireAxes(args[0], from);
    for (const [i, axis] of from.entries()) {
      if (sizeOf(axes, axis) !== sizeOf(axes, to[i]))
        broken(`rename ${axis} → ${to[i]}: sizes ${sizeOf(axes, axis)} and ${sizeOf(axes, to[i])} differ`);
    }
    const result = args[0].axes.map((axis) => (from.includes(axis) ? to[from.indexOf(axis)] : axis));
    requireDistinct(result);
    return { axes: result, type: args[0].type };
  }),
  transpose: {
    ...structure(NONE, false, (args, _attributes, _axes, declared) => {
      if (!(declared && sameAxisSet(declared.axes, args[0].axes))) broken(`transpose must permute [${args[0].axes}]`);
      return { axes: declared.axes, type: args[0].type };
    }),
    declared: true,
  },
  broadcast: structure(["over"], true, (args, attributes, axes) => {
    for (const axis of attributes.over!) sizeOf(axes, axis);
    const result = [...attributes.over!, ...args[0].axes];
    requireDistinct(result);
    return { axes: result, type: args[0].type };
  }),
  slice: structure(["axis", "to", "start"], true, (args, attributes, axes) => {
    const to = attributes.to as AxisName;
    requireAxes(args[0], [attributes.axis!]);
    const end = attributes.start! + fixedSize(axes, to);
    if (!(attributes.start! >= 0 && end <= fixedSize(axes, attributes.axis!)))
      broken(`slice ${attributes.start}..${end} of ${attributes.axis} is out of range`);
    const result = replaceAxis(args[0].axes, attributes.axis!, [to]);
    requireDistinct(result);
    return { axes: result, type: args[0].type };
  }),
  pick: structure(["axis", "start"], true, (args, attributes, axes) => {
    requireAxes(args[0], [attributes.axis!]);
    const size = sizeOf(axes, attributes.axis!);
    if (!(attributes.start! >= 0 && (typeof size !== "number" || attributes.start! < size)))
      broken(`pick ${attributes.start} of ${attributes.axis} is out of range`);
    return { axes: withoutAxes(args[0].axes, [attributes.axis!]), type: args[0].type };
  }),
  concat: structure(
    ["parts", "axis"],
    false,
    (args, attributes, axes) => {
      const parts = attributes.parts!;
      const axis = attributes.axis!;
      invariant(parts.length === args.length, "concat needs one part axis for each argument");
      let total = 0;
      for (const part of parts) total += fixedSize(axes, part);
      if (total !== fixedSize(axes, axis)) broken(`concat: parts [${parts}] hold ${total}, ${axis} holds ${fixedSize(axes, axis)}`);
      const result = replaceAxis(args[0].axes, parts[0], [axis]);
      requireDistinct(result);
      for (const [i, arg] of args.entries()) {
        requireAxes(arg, [parts[i]]);
        const rest = withoutAxes(arg.axes, [parts[i]]);
        if (!sameAxisSet(rest, withoutAxes(args[0].axes, [parts[0]])))
          broken(`concat: argument ${i} has axes [${arg.axes}], the first [${args[0].axes}]`);
        invariant(arg.type === args[0].type, "concat: all arguments must have one type");
      }
      return { axes: result, type: args[0].type };
    },
    [1, Infinity],
  ),
  pad: structure(["axis", "to", "start"], false, (args, attributes, axes) => {
    const to = attributes.to as AxisName;
    requireAxes(args[0], [attributes.axis!]);
    const end = attributes.start! + fixedSize(axes, attributes.axis!);
    if (!(attributes.start! >= 0 && end <= fixedSize(axes, to))) broken(`pad: ${attributes.start}..${end} is out of the range of ${to}`);
    const result = replaceAxis(args[0].axes, attributes.axis!, [to]);
    requireDistinct(result);
    return { axes: result, type: args[0].type };
  }),
  split: structure(["axis", "to"], true, (args, attributes, axes) => {
    const to = names(attributes.to);
    requireAxes(args[0], [attributes.axis!]);
    const product = to.reduce((size, axis) => size * fixedSize(axes, axis), 1);
    if (product !== fixedSize(axes, attributes.axis!))
      broken(`split: [${to}] hold ${product}, ${attributes.axis} holds ${sizeOf(axes, attributes.axis!)}`);
    const result = replaceAxis(args[0].axes, attributes.axis!, to);
    requireDistinct(result);
    return { axes: result, type: args[0].type };
  }),
  merge: structure(["axes", "to"], true, (args, attributes, axes) => {
    const to = attributes.to as AxisName;
    const from = attributes.axes!;
    const first = args[0].axes.indexOf(from[0]);
    if (!(first >= 0 && equalAxes(args[0].axes.slice(first, first + from.length), from)))
      broken(`merge: [${from}] do not lie together in [${args[0].axes}]`);
    const product = from.reduce((size, axis) => size * fixedSize(axes, axis), 1);
    if (product !== fixedSize(axes, to)) broken(`merge: [${from}] hold ${product}, ${to} holds ${sizeOf(axes, to)}`);
    const result = [...args[0].axes.slice(0, first), to, ...args[0].axes.slice(first + from.length)];
    requireDistinct(result);
    return { axes: result, type: args[0].type };
  }),
  gather: structure(
    ["axis"],
    false,
    (args, attributes) => {
      requireAxes(args[0], [attributes.axis!]);
      invariant(args[1].type === "index", "gather needs an index");
      if (args[1].axes.includes(attributes.axis!)) broken(`gather: the index has the axis ${attributes.axis} itself`);
      return { axes: unionAxes(args[1].axes, withoutAxes(args[0].axes, [attributes.axis!])), type: args[0].type };
    },
    [2, 2],
  ),
  scatter: structure(
    ["axis", "over"],
    false,
    (args, attributes, axes) => {
      requireReal([args[0]]);
      sizeOf(axes, attributes.axis!);
      invariant(args[1].type === "index", "scatter needs an index");
      requireAxes(args[0], args[1].axes);
      requireAxes(args[1], attributes.over!);
      if (args[0].axes.includes(attributes.axis!)) broken(`scatter: the values have the axis ${attributes.axis} already`);
      const kept = withoutAxes(args[0].axes, attributes.over!);
      return real([...commonAxes(kept, args[1].axes), attributes.axis!, ...withoutAxes(kept, args[1].axes)]);
    },
    [2, 2],
  ),
  shift: structure(
    ["lag"],
    false,
    (args, attributes, axes) => {
      const [x, initial] = args;
      requireAxes(x, ["t"]);
      invariant(attributes.lag !== 0 && Number.isInteger(attributes.lag), "a lag is a whole number other than 0");
      const wanted = withoutAxes(x.axes, ["t"]);
      const count = Math.abs(attributes.lag!);
      if (count > 1) {
        if (!(attributes.lags !== undefined && sizeOf(axes, attributes.lags) === count))
          broken(`a lag of ${attributes.lag} needs an axis of size ${count} in \`lags\``);
        wanted.push(attributes.lags);
      }
      if (!sameAxisSet(initial.axes, wanted)) broken(`shift: the initial value has axes [${initial.axes}], needed are [${wanted}]`);
      invariant(initial.type === x.type, "shift: the initial value has another type");
      return { axes: x.axes, type: x.type };
    },
    [2, 2],
    ["lags"],
  ),
  solve: structure(
    ["axis", "to"],
    false,
    (args, attributes, axes) => {
      requireReal(args);
      const [axis, to] = [attributes.axis!, attributes.to as AxisName];
      requireAxes(args[0], [axis, to]);
      requireAxes(args[1], [axis]);
      requireAxes(args[1], withoutAxes(args[0].axes, [to]));
      invariant(!args[1].axes.includes(to), "solve: the right side has the axis that is summed");
      if (sizeOf(axes, axis) !== sizeOf(axes, to)) broken(`solve: the axes ${axis} and ${to} differ in size`);
      return real(args[1].axes);
    },
    [2, 2],
    ["reverse"],
  ),
  fold: structure(["axes"], false, (args, attributes, axes) => {
    requireAxes(args[0], ["t"]);
    requireFold(attributes.axes!, axes);
    const result = replaceAxis(args[0].axes, "t", attributes.axes!);
    requireDistinct(result);
    return { axes: result, type: args[0].type };
  }),
  unfold: structure(["axes"], false, (args, attributes, axes) => {
    const [group, step] = attributes.axes!;
    requireAxes(args[0], attributes.axes!);
    requireFold(attributes.axes!, axes);
    if (args[0].axes.includes("t")) broken("unfold: the value has the axis t already");
    return { axes: replaceAxis(withoutAxes(args[0].axes, [step]), group, ["t"]), type: args[0].type };
  }),
  last: structure(
    ["reverse"],
    false,
    (args) => {
      requireAxes(args[0], ["t"]);
      if (args.length === 2) {
        invariant(args[1].type === "index", "lengths are an index");
        invariant(hasAxes(withoutAxes(args[0].axes, ["t"]), args[1].axes), "last: lengths have an axis that the value lacks");
      }
      return { axes: withoutAxes(args[0].axes, ["t"]), type: args[0].type };
    },
    [1, 2],
  ),
  scan: structure(
    ["scan"],
    false,
    (args, attributes, axes) => {
      const scan = attributes.scan!;
      invariant(args.length === scan.sequences + scan.statics + scan.states, "scan: arguments do not match its counts");
      invariant(scan.stateNames.length === scan.states, "scan: every state needs a name");
      invariant(scan.body.outputs.length >= scan.states, "scan: a state has no next value");
      if (scan.chunk !== undefined) fixedSize(axes, scan.chunk);
      for (let i = 0; i < scan.sequences; i++) requireAxes(args[i], ["t"]);
      for (let i = scan.sequences; i < args.length; i++) if (args[i].axes.includes("t")) broken(`scan: argument ${i} varies with t`);
      for (let k = 0; k < scan.states; k++) {
        const initial = args[scan.sequences + scan.statics + k];
        const next = scan.body.nodes[scan.body.outputs[k].node];
        if (!equalAxes(initial.axes, next.axes))
          broken(`scan: state ${scan.stateNames[k]} begins with axes [${initial.axes}], its next value has [${next.axes}]`);
        if (initial.type !== next.type) broken(`scan: state ${scan.stateNames[k]} changes its type`);
      }
      return real([]);
    },
    [0, Infinity],
  ),
  emitted: structure(["index"], false, (args, attributes) => {
    const scan = scanOf(args[0]);
    const output = scan.body.outputs[scan.states + attributes.index!];
    if (!output) broken(`scan emits no value ${attributes.index}`);
    const node = scan.body.nodes[output.node];
    return { axes: ["t", ...withoutAxes(node.axes, scan.chunk === undefined ? [] : [scan.chunk])], type: node.type };
  }),
  final: structure(["index"], false, (args, attributes) => {
    const scan = scanOf(args[0]);
    if (!(attributes.index! >= 0 && attributes.index! < scan.states)) broken(`scan has no state ${attributes.index}`);
    const node = scan.body.nodes[scan.body.outputs[attributes.index!].node];
    return { axes: node.axes, type: node.type };
  }),
} satisfies { [K in Op]: OpRule };

function requireFold(pair: readonly AxisName[], axes: AxisTable): void {
  invariant(pair.length === 2, "time folds into two axes");
  const [group, step] = pair.map((axis) => sizeOf(axes, axis));
  if (!isTimed(group) || group === "T" || stepsTogether(group) !== step) broken(`${pair[0]} of size ${group} does not hold groups of ${step} steps`);
}

/** The axes that a parameter of a scan's body has for an argument with these axes. */
export function parameterShape(scan: ScanAttributes, parameter: Node, argument: readonly AxisName[]): readonly AxisName[] {
  return replaceAxis(argument, "t", scan.chunk !== undefined && parameter.axes.includes(scan.chunk) ? [scan.chunk] : []);
}

/** True for the unary and binary ops and `select`. */
export function isElementwise(op: Op): boolean {
  return opTable[op].elementwise;
}

/** Ops whose result takes no longer to compute than to read from memory. */
const CHEAP: ReadonlySet<Op> = new Set<Op>([
  "add",
  "sub",
  "mul",
  "neg",
  "abs",
  "max",
  "min",
  "step",
  "relu",
  "select",
  "less",
  "less_equal",
  "equal",
  "to_real",
  "stop_gradient",
]);

/** True for elementwise ops of one instruction or two. */
export function isCheap(op: Op): boolean {
  return CHEAP.has(op);
}

/** True if the op only renames or bounds what exists: it moves nothing. */
export function isView(op: Op): boolean {
  return opTable[op].view;
}

/** True for ops of one real argument applied elementwise. */
export function isUnary(op: Op): op is UnaryOp {
  return unaryNames.has(op);
}

/** True for ops of two arguments applied elementwise. */
export function isBinary(op: Op): op is BinaryOp {
  return binaryNames.has(op);
}

/** Axes and type of `op` applied to the arguments. @throws InternalError that says which rule is broken. */
export function shapeOf(op: Op, args: readonly Node[], attributes: Attributes, axes: AxisTable, declared?: Shape): Shape {
  const rule: OpRule = opTable[op];
  if (!rule) broken(`there is no op ${op}`);
  if (!(args.length >= rule.arity[0] && args.length <= rule.arity[1])) broken(`${op} takes ${rule.arity[0]} arguments, not ${args.length}`);
  for (const key of rule.required) if (attributes[key] === undefined) broken(`${op} needs the attribute ${key}`);
  for (const key in attributes) {
    const name = key as keyof Attributes;
    if (!(rule.required.includes(name) || rule.optional.includes(name))) broken(`${op} has no attribute ${name}`);
  }
  for (const arg of args)
    if (!(arg.op !== "scan" || op === "emitted" || op === "final")) broken(`${op} cannot take a scan itself, only what it emits`);
  return rule.result(args, attributes, axes, declared);
}
