/**
 * Terms to nodes.
 *
 * In: a resolved term and the frame it is computed in. Out: its value there. Whatever needs the whole sequence (sums over time, convolutions of what does
 * not belong to the recurrence) is computed outside and brought in.
 */
import { invariant } from "../../support/invariant.ts";
import { SluiceError } from "../../support/diagnostic.ts";
import { type Term, termChildren } from "../../ir/network/equation.ts";
import { type BinaryOp } from "../../ir/tensor/node.ts";
import { choose, elementwise, type Frame, numberValue, outerProduct, product, scaledAlong, sortAxes, type Value, withDims } from "./build-frame.ts";
import { convolveSpace } from "./convolve-space.ts";
import { applyFunction, concatenate, softmaxOver } from "./expand-functions.ts";

/** The value of a term. */
export function emit(frame: Frame, term: Term): Value {
  const { b } = frame;
  switch (term.kind) {
    case "number":
      return numberValue(frame, term.value);
    case "size":
      return numberValue(frame, frame.sizes.number(term.size));
    case "counter": {
      const axis = frame.sizes.index(term.index);
      return { node: b.to_real(b.iota(axis)), dims: [] };
    }
    case "input":
      return frame.input(term.name, term.lag);
    case "weight":
      return frame.weight(term.name);
    case "value":
      return reindexed(frame, frame.value(term.name, term.lag), term.name, term.indices);
    case "moment":
      return moment(frame, term);
    case "component": {
      const operand = emit(frame, term.operand);
      const axis = frame.sizes.index(term.index);
      return { node: b.rename(operand.node, operand.dims[0], axis), dims: operand.dims.slice(1) };
    }
    case "collection": {
      const operand = emit(frame, term.operand);
      const indices = term.indices.map((index) => frame.sizes.index(index));
      const missing = indices.filter((axis) => !b.axesOf(operand.node).includes(axis));
      const node = missing.length > 0 ? b.broadcast(operand.node, missing) : operand.node;
      const dims = frame.sizes.axes(term.shape);
      return withDims(frame, { node, dims: [...indices, ...operand.dims] }, dims);
    }
    case "element": {
      const operand = emit(frame, term.operand);
      const size = b.size(operand.dims[0]) as number;
      if (term.position > size) throw new SluiceError("E450", `component ${term.position} is asked of a vector of ${size}`);
      return { node: b.pick(operand.node, operand.dims[0], term.position - 1), dims: operand.dims.slice(1) };
    }
    case "lookup": {
      const table = emit(frame, term.operand);
      const index = emit(frame, term.index);
      return { node: b.gather(table.node, index.node, table.dims[0]), dims: table.dims.slice(1) };
    }
    case "unary": {
      const operand = emit(frame, term.operand);
      return term.op === "neg" ? { node: b.neg(operand.node), dims: operand.dims } : { node: operand.node, dims: [operand.dims[1], operand.dims[0]] };
    }
    case "absolute": {
      const operand = emit(frame, term.operand);
      return { node: b.abs(operand.node), dims: operand.dims };
    }
    case "concatenation":
      return concatenate(
        frame,
        term.parts.map((part) => emit(frame, part)),
      );
    case "call":
      return applyFunction(
        frame,
        term.function,
        term.args.map((arg) => emit(frame, arg)),
        term.options,
      );
    case "binary":
      return binary(frame, term);
    case "convolution":
      return convolution(frame, term);
    case "reduction":
      return reduction(frame, term);
    case "blockwise":
      return blockwise(frame, emit(frame, term.kernel), emit(frame, term.operand));
  }
}

const ELEMENTWISE: Readonly<Record<string, BinaryOp>> = { add: "add", sub: "sub", mul: "mul", hadamard: "mul", div: "div", power: "pow" };

function binary(frame: Frame, term: Term & { kind: "binary" }): Value {
  if (term.op === "product") {
    // (A·B)·v costs a product of matrices; A·(B·v) does not.
    const { left, right } = term;
    if (left.kind === "binary" && left.op === "product" && left.shape.length === 2 && right.shape.length === 1) {
      return binary(frame, { ...term, left: left.left, right: { ...left, left: left.right, right, shape: left.right.shape.slice(0, -1) } });
    }
    if (left.kind === "call" && left.function === "diag") return scaledAlong(frame, emit(frame, right), emit(frame, left.args[0]), 0);
    if (right.kind === "call" && right.function === "diag") {
      const matrix = emit(frame, left);
      return scaledAlong(frame, matrix, emit(frame, right.args[0]), matrix.dims.length - 1);
    }
    return product(frame, emit(frame, left), emit(frame, right));
  }
  const left = emit(frame, term.left);
  if (term.op === "power" && term.right.kind === "number") return power(frame, left, term.right.value);
  const right = emit(frame, term.right);
  if (term.op === "outer") return outerProduct(frame, left, right);
  return elementwise(frame, ELEMENTWISE[term.op], left, right);
}

/** Small whole powers are products: exact, and differentiable at 0 and below. */
function power(frame: Frame, base: Value, exponent: number): Value {
  const { b } = frame;
  if (exponent === 1) return base;
  if (exponent === 2) return { node: b.mul(base.node, base.node), dims: base.dims };
  if (exponent === 3) return { node: b.mul(b.mul(base.node, base.node), base.node), dims: base.dims };
  if (exponent === 0.5) return { node: b.sqrt(base.node), dims: base.dims };
  if (exponent === -1) return { node: b.recip(base.node), dims: base.dims };
  return elementwise(frame, "pow", base, numberValue(frame, exponent));
}

/** Splits the vector into blocks, applies each block of the matrix to its own, and joins the results. */
function blockwise(frame: Frame, kernel: Value, operand: Value): Value {
  const { b } = frame;
  const [blocks, rows, columns] = kernel.dims;
  const parts = b.split(operand.node, operand.dims[0], [blocks, columns]);
  const results = b.contract(parts, kernel.node, columns);
  const joined = b.otherAxis(frame.sizes.ofLength((b.size(blocks) as number) * (b.size(rows) as number)), b.axesOf(results));
  return { node: b.merge(results, [blocks, rows], joined), dims: [joined] };
}

/** A definition with indices, read under other index names. */
function reindexed(frame: Frame, value: Value, name: string, indices: readonly string[]): Value {
  const declared = frame.outside.indicesOf(name);
  const from: string[] = [];
  const to: string[] = [];
  for (const [k, index] of indices.entries()) {
    const own = frame.sizes.index(declared[k]);
    const wanted = frame.sizes.index(index);
    if (own !== wanted && frame.b.axesOf(value.node).includes(own)) {
      from.push(own);
      to.push(wanted);
    }
  }
  return from.length === 0 ? value : { node: frame.b.rename(value.node, from, to), dims: value.dims };
}

/** True if the term reads nothing that the frame's own recurrence computes. */
export function isForeign(frame: Frame, term: Term): boolean {
  if (term.kind === "value" && frame.isMember(term.name)) return false;
  return termChildren(term).every((child) => isForeign(frame, child));
}

function moment(frame: Frame, term: Term & { kind: "moment" }): Value {
  if (frame !== frame.outside) return frame.lift(moment(frame.outside, term));
  const operand = emit(frame, term.operand);
  const axis = frame.sizes.index(term.index);
  return frame.b.axesOf(operand.node).includes("t") ? { node: frame.b.rename(operand.node, "t", axis), dims: operand.dims } : operand;
}

function reduction(frame: Frame, term: Term & { kind: "reduction" }): Value {
  const { b } = frame;
  const axis = frame.sizes.index(term.index);
  const isTime = b.axes.get(axis) === "T" || frame.outside.b.axes.get(axis) === "T";
  if (isTime && frame !== frame.outside && isForeign(frame, term)) return frame.lift(reduction(frame.outside, term));
  let body = emit(frame, term.body);
  if (
    term.after !== undefined &&
    term.op === "sum" &&
    frame === frame.outside &&
    b.axesOf(body.node).includes(axis) &&
    !b.axesOf(body.node).includes("t")
  ) {
    // Σ over r of s < r ≤ t is what has gathered up to t less what had gathered up to s.
    const then = frame.sizes.index(term.after);
    const [high, low] = frame.outside
      .runningSum({ node: b.rename(body.node, axis, "t"), dims: body.dims })
      .map((sum) => elementwise(frame, "sub", sum, { node: b.rename(sum.node, "t", then), dims: sum.dims }));
    return elementwise(frame, "add", high, low);
  }
  if (!b.axesOf(body.node).includes(axis)) {
    b.declareAxis(axis, frame.outside.b.size(axis));
    body = { node: b.broadcast(body.node, axis), dims: body.dims };
  }
  const mask = isTime ? frame.mask(term.index).node : undefined;
  const zero = numberValue(frame, 0);
  const total = (value: Value): Value => ({ node: b.sum(value.node, axis), dims: value.dims });
  switch (term.op) {
    case "sum": {
      if (mask === undefined) return total(body);
      const { body: written } = term;
      if (written.kind === "binary" && written.op === "mul" && (written.left.shape.length === 0 || written.right.shape.length === 0)) {
        // Of `a * v` the number is masked: that is less work, and leaves a product of matrices.
        const [number, other] = written.left.shape.length === 0 ? [written.left, written.right] : [written.right, written.left];
        const product = elementwise(frame, "mul", choose(frame, mask, emit(frame, number), zero), emit(frame, other));
        if (b.axesOf(product.node).includes(axis)) return total(product);
      }
      return total(choose(frame, mask, body, zero));
    }
    case "mean": {
      if (mask === undefined) return elementwise(frame, "mul", total(body), numberValue(frame, 1 / (b.size(axis) as number)));
      const many = b.max(b.sum(mask, axis), b.constant(1));
      return elementwise(frame, "div", total(choose(frame, mask, body, zero)), { node: many, dims: [] });
    }
    case "max":
      return { node: b.max_over(mask === undefined ? body.node : choose(frame, mask, body, numberValue(frame, -1e30)).node, axis), dims: body.dims };
    case "softmax":
      return { ...softmaxOver(frame, { node: body.node, dims: [] }, axis, mask), dims: body.dims };
  }
}

/** Σ_j W[j]·x[t - offset - dilation·j]. */
function convolution(frame: Frame, term: Term & { kind: "convolution" }): Value {
  const { b } = frame;
  const { taps, operand } = term;
  if (frame !== frame.outside && isForeign(frame, term)) return frame.lift(convolution(frame.outside, term));
  const kernel = emit(frame, term.kernel);
  if (taps.space) return convolveSpace(frame, kernel, emit(frame, operand), taps.space, taps.depthwise, frame.sizes.axes(term.shape).slice(1));
  const [tapAxis] = kernel.dims;
  let sum: Value | undefined;
  for (let j = 0; j < taps.count; j++) {
    const x = delayed(frame, operand, taps.offset + taps.dilation * j);
    const tap: Value = { node: b.pick(kernel.node, tapAxis, j), dims: kernel.dims.slice(1) };
    const part = taps.depthwise ? elementwise(frame, "mul", x, tap) : product(frame, tap, x);
    sum = sum ? elementwise(frame, "add", sum, part) : part;
  }
  invariant(sum, "a kernel has at least one tap");
  return sum;
}

/** A term at t - lag: names through the frame's own memory, other terms by a shift of the whole sequence. */
function delayed(frame: Frame, term: Term, lag: number): Value {
  if (lag === 0) return emit(frame, term);
  // What comes later is read from the whole sequence: 0 beyond its end.
  if (lag < 0) return frame.outside.delay(emit(frame.outside, term), lag);
  if (term.kind === "input") return frame.input(term.name, term.lag + lag);
  if (term.kind === "value") return reindexed(frame, frame.value(term.name, term.lag + lag), term.name, term.indices);
  return frame.outside.delay(emit(frame.outside, term), lag);
}

/** Puts axes in the standard order. */
export function ordered(frame: Frame, value: Value): Value {
  return { node: frame.b.transpose(value.node, sortAxes(frame, frame.b.axesOf(value.node), value.dims)), dims: value.dims };
}
