/**
 * The meaning of the tensor language: evaluates a graph in float64, node after node, in the plainest way.
 *
 * In: a graph, an array for each input and weight (row-major in the axes of its node), the number of time steps. Out: an array for each output. Never
 * optimises: kernels and rewritten graphs are judged against this.
 */
import { invariant } from "../../support/invariant.ts";
import { replaceAxis, withoutAxes } from "./axes.ts";
import type { AxisName, Graph, Node } from "./node.ts";
import { sizeOf } from "./op-rules.ts";
import { isBinary, isUnary } from "./ops.ts";
import { randomAt, randomKeys } from "./random.ts";
import { binaryFunctions, unaryFunctions } from "./scalar.ts";
import { placesOf } from "./sizes.ts";

export interface InterpretOptions {
  /** Number of time steps. */
  readonly T: number;
}

/** A value with its axes; `data` is row-major. */
export interface Evaluated {
  readonly axes: readonly AxisName[];
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** Values of inputs and weights by name. */
export type Bindings = Readonly<Record<string, ArrayLike<number>>>;

/** Evaluates the outputs. Each is row-major in the axes of its node. @throws InternalError if a value is missing or has the wrong length. */
export function interpret(graph: Graph, inputs: Bindings, options: InterpretOptions): Record<string, Float64Array> {
  const values = evaluate(graph, { inputs, T: options.T });
  return Object.fromEntries(graph.outputs.map(({ name, node }) => [name, values[node].data]));
}

/** Evaluates the outputs and every node that has a name; those inside a scan stacked over its steps, with `t` in front. In order of the graph. */
export function interpretAll(
  graph: Graph,
  inputs: Bindings,
  options: InterpretOptions,
): { outputs: Record<string, Evaluated>; named: Map<string, Evaluated> } {
  const named = new Map<string, Evaluated>();
  const values = evaluate(graph, { inputs, T: options.T, named });
  return { outputs: Object.fromEntries(graph.outputs.map(({ name, node }) => [name, values[node]])), named };
}

interface Frame {
  readonly inputs: Bindings;
  readonly T: number;
  /** Receives the values of named nodes. */
  readonly named?: Map<string, Evaluated>;
  /** Values of the parameters, in a scan body. */
  readonly parameter?: (node: Node) => Evaluated;
}

function evaluate(graph: Graph, frame: Frame): Evaluated[] {
  const size = (axis: AxisName): number => placesOf(sizeOf(graph.axes, axis), frame.T);
  const values: Evaluated[] = [];
  const scans = new Map<number, ScanRun>();
  for (const [i, node] of graph.nodes.entries()) {
    const shape = node.axes.map(size);
    const args = node.args.map((arg) => values[arg]);
    if (node.op === "scan") {
      scans.set(i, runScan(node, args, frame));
      values.push({ axes: [], shape: [], data: new Float64Array(1) });
      continue;
    }
    const scan = node.op === "emitted" || node.op === "final" ? scans.get(node.args[0]) : undefined;
    const value = scan
      ? (node.op === "emitted" ? scan.emitted : scan.finals)[node.attributes.index!]
      : { axes: node.axes, shape, data: evaluateNode(node, args, shape, size, frame) };
    values.push(value);
    if (frame.named && node.name !== undefined && !frame.named.has(node.name)) frame.named.set(node.name, value);
  }
  return values;
}

/** Distance in `data` between neighbours along each wanted axis; 0 where the value is constant along it. */
function strides(value: Evaluated, wanted: readonly AxisName[]): number[] {
  const own = new Map<AxisName, number>();
  let stride = 1;
  for (let i = value.axes.length - 1; i >= 0; i--) {
    own.set(value.axes[i], stride);
    stride *= value.shape[i];
  }
  return wanted.map((axis) => own.get(axis) ?? 0);
}

const count = (shape: readonly number[]): number => shape.reduce((n, size) => n * size, 1);

/** Visits every place of a box in row-major order with the offsets that up to four stride lists give it. */
function walk(shape: readonly number[], lists: readonly (readonly number[])[], visit: (a: number, b: number, c: number, d: number) => void): void {
  const zero = shape.map(() => 0);
  const [sa, sb, sc, sd] = [0, 1, 2, 3].map((i) => lists[i] ?? zero);
  const level = (depth: number, a: number, b: number, c: number, d: number): void => {
    if (depth === shape.length) return visit(a, b, c, d);
    for (let i = 0; i < shape[depth]; i++) level(depth + 1, a + i * sa[depth], b + i * sb[depth], c + i * sc[depth], d + i * sd[depth]);
  };
  level(0, 0, 0, 0, 0);
}

function evaluateNode(
  node: Node,
  args: readonly Evaluated[],
  shape: readonly number[],
  size: (axis: AxisName) => number,
  frame: Frame,
): Float64Array {
  const { op, attributes, axes } = node;
  const data = new Float64Array(count(shape));
  const self: Evaluated = { axes, shape, data };
  const [x, y, z] = args;
  /** result[place] = f(offsets of the arguments at that place). */
  const fill = (compute: (a: number, b: number, c: number) => number): Float64Array => {
    let place = 0;
    walk(
      shape,
      args.map((arg) => strides(arg, axes)),
      (a, b, c) => {
        data[place++] = compute(a, b, c);
      },
    );
    return data;
  };
  /** Visits all places of the result and of the axes summed over: offsets of the result, then of the arguments. */
  const reduce = (over: readonly AxisName[], visit: (out: number, a: number, b: number) => void): Float64Array => {
    const all = [...axes, ...over];
    walk(
      all.map(size),
      [self, ...args].map((value) => strides(value, all)),
      visit,
    );
    return data;
  };
  /** Copies the elements of `from`, whose axes are renamed to those of the result, to places that begin at `start`. */
  const copy = (from: Evaluated, start: number): void => {
    let source = 0;
    walk(from.shape, [strides(self, from.axes)], (place) => {
      data[start + place] = from.data[source++];
    });
  };
  if (isUnary(op)) {
    const f = unaryFunctions[op];
    return fill((a) => f(x.data[a]));
  }
  if (isBinary(op)) {
    const f = binaryFunctions[op];
    return fill((a, b) => f(x.data[a], y.data[b]));
  }
  const along = (axis: AxisName, value: Evaluated): number => strides(value, [axis])[0];
  switch (op) {
    case "input":
    case "weight": {
      const given = frame.inputs[attributes.name!];
      invariant(given !== undefined, `no value is given for ${attributes.name}`);
      invariant(given.length === data.length, `${attributes.name} has ${given.length} elements, needed are ${data.length} for [${axes}]`);
      data.set(given);
      return data;
    }
    case "parameter":
      invariant(frame.parameter, "a parameter outside of a scan body");
      return frame.parameter(node).data;
    case "constant":
      return data.fill(attributes.value!);
    case "iota":
      return data.map((_, i) => i);
    case "random": {
      const keys = randomKeys(x.data[0], attributes.stream!);
      return data.map((_, i) => randomAt(keys, i));
    }
    case "select":
      return fill((a, b, c) => (x.data[a] !== 0 ? y.data[b] : z.data[c]));
    case "sum":
      return reduce(attributes.over!, (out, a) => {
        data[out] += x.data[a];
      });
    case "max_over":
      data.fill(-Infinity);
      return reduce(attributes.over!, (out, a) => {
        data[out] = Math.max(data[out], x.data[a]);
      });
    case "contract":
      return reduce(attributes.over!, (out, a, b) => {
        data[out] += x.data[a] * y.data[b];
      });
    case "argmax": {
      const stride = along(attributes.over![0], x);
      const n = size(attributes.over![0]);
      return fill((a) => {
        let best = 0;
        for (let i = 1; i < n; i++) if (x.data[a + i * stride] > x.data[a + best * stride]) best = i;
        return best;
      });
    }
    case "rename":
    case "split":
    case "merge":
      data.set(x.data);
      return data;
    case "transpose":
    case "broadcast":
      return fill((a) => x.data[a]);
    case "slice": {
      const axis = attributes.axis!;
      const to = attributes.to as AxisName;
      const view = { ...x, axes: x.axes.map((each) => (each === axis ? to : each)) };
      const start = attributes.start! * along(axis, x);
      let place = 0;
      walk(shape, [strides(view, axes)], (a) => {
        data[place++] = x.data[start + a];
      });
      return data;
    }
    case "pick": {
      invariant(
        attributes.start! < size(attributes.axis!),
        `pick ${attributes.start} of ${attributes.axis}: there are only ${size(attributes.axis!)}`,
      );
      const start = attributes.start! * along(attributes.axis!, x);
      return fill((a) => x.data[start + a]);
    }
    case "concat": {
      const axis = attributes.axis!;
      let start = 0;
      for (const [i, arg] of args.entries()) {
        const part = attributes.parts![i];
        copy({ ...arg, axes: arg.axes.map((each) => (each === part ? axis : each)) }, start * along(axis, self));
        start += size(part);
      }
      return data;
    }
    case "pad": {
      const to = attributes.to as AxisName;
      copy({ ...x, axes: x.axes.map((each) => (each === attributes.axis ? to : each)) }, attributes.start! * along(to, self));
      return data;
    }
    case "gather": {
      const stride = along(attributes.axis!, x);
      const n = size(attributes.axis!);
      return fill((a, b) => x.data[a + inRange(y.data[b], n, attributes.axis!) * stride]);
    }
    case "scatter": {
      const stride = along(attributes.axis!, self);
      const n = size(attributes.axis!);
      walk(x.shape, [strides(self, x.axes), strides(x, x.axes), strides(y, x.axes)], (out, a, b) => {
        data[out + inRange(y.data[b], n, attributes.axis!) * stride] += x.data[a];
      });
      return data;
    }
    case "shift": {
      const lag = attributes.lag!;
      const T = size("t");
      const inner = withoutAxes(axes, ["t"]);
      const row = attributes.lags === undefined ? 0 : along(attributes.lags, y);
      for (let t = 0; t < T; t++) {
        const from = t - lag;
        const outside = lag > 0 ? from < 0 : from >= T;
        const [source, base] = outside ? [y, (lag > 0 ? from + lag : from - T) * row] : [x, from * along("t", x)];
        walk(inner.map(size), [strides(self, inner), strides(source, inner)], (out, a) => {
          data[t * along("t", self) + out] = source.data[base + a];
        });
      }
      return data;
    }
    case "solve": {
      const [axis, to] = [attributes.axis!, attributes.to as AxisName];
      const n = size(axis);
      const columns = withoutAxes(axes, [axis]);
      const [row, column, own] = [along(axis, x), along(to, x), along(axis, self)];
      walk(columns.map(size), [strides(self, columns), strides(x, columns), strides(y, columns)], (out, a, b) => {
        for (let k = 0; k < n; k++) {
          const t = attributes.reverse ? n - 1 - k : k;
          let sum = y.data[b + t * along(axis, y)];
          for (let j = 0; j < k; j++) {
            const s = attributes.reverse ? n - 1 - j : j;
            sum += x.data[a + t * row + s * column] * data[out + s * own];
          }
          data[out + t * own] = sum;
        }
      });
      return data;
    }
    case "fold":
    case "unfold": {
      const [group, step] = attributes.axes!;
      const folded = op === "fold" ? self : x;
      const rest = withoutAxes(axes, ["t", group, step]);
      const [each, one] = [along(group, folded), along(step, folded)];
      const whole = op === "fold" ? x : self;
      const n = size(step);
      for (let t = 0; t < size("t"); t++) {
        const [inFold, inWhole] = [Math.floor(t / n) * each + (t % n) * one, t * along("t", whole)];
        walk(rest.map(size), [strides(self, rest), strides(x, rest)], (out, a) => {
          if (op === "fold") data[inFold + out] = x.data[inWhole + a];
          else data[inWhole + out] = x.data[inFold + a];
        });
      }
      return data;
    }
    case "last": {
      const T = size("t");
      const stride = along("t", x);
      invariant(T > 0, "last of no time steps");
      if (attributes.reverse) return fill((a) => x.data[a]);
      return fill((a, b) => x.data[a + (y ? inRange(Math.max(y.data[b], 1) - 1, T, "t") : T - 1) * stride]);
    }
    case "scan":
    case "emitted":
    case "final":
      invariant(false, `${op} has no value of its own`);
  }
}

function inRange(index: number, n: number, axis: AxisName): number {
  invariant(Number.isInteger(index) && index >= 0 && index < n, `index ${index} is outside of 0..${n - 1} along ${axis}`);
  return index;
}

interface ScanRun {
  readonly emitted: readonly Evaluated[];
  readonly finals: readonly Evaluated[];
}

/** The value of a sequence at one step along its axis `time`. */
function stepOf(sequence: Evaluated, t: number, time: AxisName = "t"): Evaluated {
  const axes = withoutAxes(sequence.axes, [time]);
  const shape = axes.map((axis) => sequence.shape[sequence.axes.indexOf(axis)]);
  const data = new Float64Array(count(shape));
  const start = t * strides(sequence, [time])[0];
  let place = 0;
  walk(shape, [strides(sequence, axes)], (a) => {
    data[place++] = sequence.data[start + a];
  });
  return { axes, shape, data };
}

/** The values of a sequence at `n` steps from t on along the axis `chunk`, 0 past the end. */
function stepsOf(sequence: Evaluated, t: number, n: number, chunk: AxisName): Evaluated {
  const shape = sequence.axes.map((axis, i) => (axis === "t" ? n : sequence.shape[i]));
  const axes = replaceAxis(sequence.axes, "t", [chunk]);
  const result: Evaluated = { axes, shape, data: new Float64Array(count(shape)) };
  const [from] = strides(sequence, ["t"]);
  const [to] = strides(result, [chunk]);
  const rest = withoutAxes(sequence.axes, ["t"]);
  const steps = Math.min(n, sequence.shape[sequence.axes.indexOf("t")] - t);
  const sizes = rest.map((axis) => sequence.shape[sequence.axes.indexOf(axis)]);
  for (let i = 0; i < steps; i++) {
    walk(sizes, [strides(sequence, rest), strides(result, rest)], (a, b) => {
      result.data[i * to + b] = sequence.data[(t + i) * from + a];
    });
  }
  return result;
}

function runScan(node: Node, args: readonly Evaluated[], frame: Frame): ScanRun {
  const scan = node.attributes.scan!;
  const { body, sequences, statics, states } = scan;
  const T = frame.T;
  const { chunk } = scan;
  const C = chunk === undefined ? 1 : (sizeOf(body.axes, chunk) as number);
  const isChunk = (axes: readonly AxisName[]): boolean => chunk !== undefined && axes.includes(chunk);
  let current = args.slice(sequences + statics);
  const stacks = body.outputs.slice(states).map((output) => emptyStack(body, output.node, T, chunk));
  const namedStacks = new Map<string, Evaluated>();
  const rounds = Math.ceil(T / C);
  for (let i = 0; i < rounds; i++) {
    const t = C * (scan.reverse ? rounds - 1 - i : i);
    const n = Math.min(C, T - t);
    const parameter = ({ attributes: { kind, index }, axes }: Node): Evaluated => {
      if (kind === "sequence") return isChunk(axes) ? stepsOf(args[index!], t, C, chunk!) : stepOf(args[index!], t);
      return (kind === "static" ? args.slice(sequences) : current)[index!];
    };
    const named = frame.named ? new Map<string, Evaluated>() : undefined;
    const values = evaluate(body, { ...frame, parameter, named });
    current = body.outputs.slice(0, states).map((output) => values[output.node]);
    const put = (stack: Evaluated, value: Evaluated): void => {
      for (let j = 0; j < n; j++) putStep(stack, isChunk(value.axes) ? stepOf(value, j, chunk) : value, t + j);
    };
    for (const [k, stack] of stacks.entries()) put(stack, values[body.outputs[states + k].node]);
    for (const [name, value] of named ?? []) {
      if (!namedStacks.has(name)) namedStacks.set(name, stackOf(isChunk(value.axes) ? stepOf(value, 0, chunk) : value, T));
      put(namedStacks.get(name)!, value);
    }
  }
  for (const [name, value] of namedStacks) if (!frame.named!.has(name)) frame.named!.set(name, value);
  return { emitted: stacks, finals: current };
}

function emptyStack(body: Graph, node: number, T: number, chunk?: AxisName): Evaluated {
  const axes = withoutAxes(body.nodes[node].axes, chunk === undefined ? [] : [chunk]);
  const shape = axes.map((axis) => placesOf(sizeOf(body.axes, axis), T));
  return stackOf({ axes, shape, data: new Float64Array(0) }, T);
}

function stackOf(value: Evaluated, T: number): Evaluated {
  return { axes: ["t", ...value.axes], shape: [T, ...value.shape], data: new Float64Array(T * count(value.shape)) };
}

function putStep(stack: Evaluated, value: Evaluated, t: number): void {
  stack.data.set(value.data, t * value.data.length);
}
