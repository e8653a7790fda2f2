/**
 * The inner kernel of every matrix product: a few rows times one panel of columns, summed over k in registers.
 *
 *     C[r, j] = C₀[r, j] + Σ_k A[r, k]·B[k, j]      r < rows, j < columns
 *
 * A is read by splats at fixed distances from one moving pointer, B is a panel [k][width] read in order. Every element is summed over k in
 * ascending order and its initial value added last, so its bits do not depend on the tile, the row, or the position in a batch.
 *
 * The shape of the code is what engines want (measured in bench/kernels/product.ts): V8 up to 12 orders the vector instructions of a basic block by how
 * their results are used, so sums begin at zero, what they are added to is read after the loop, and the loop body holds eight multiply_adds:
 * one k for a full tile, several for a narrow one. An engine that joins vectors sees pairs of them stored side by side, and then counts them by pairs.
 */
import type { Expression, Lanes, LoopFunction, Statement } from "../../ir/loop/node.ts";
import {
  add,
  add32,
  and32,
  declare,
  f32x4,
  f32x4Local,
  forLoop,
  i32,
  i32Local,
  letLocal,
  load,
  loopFunction,
  mul32,
  multiplyAdd,
  splat,
  store,
  storePair,
} from "../../ir/loop/build.ts";

export interface TileShape {
  readonly rows: number;
  /** Columns in use; the panel's row has `width` columns. */
  readonly columns: number;
  readonly width: number;
  /** Bytes between rows of A, and between consecutive k. */
  readonly aRow: number;
  readonly aStep: number;
  /** Bytes between rows of C. */
  readonly cRow: number;
  /** Vectors are stored two by two. */
  readonly wide: boolean;
  /** What the sums are added to: zero, C itself, or another array with its own distance between rows (0: one row for all). */
  readonly start: { readonly kind: "zero" } | { readonly kind: "c" } | { readonly kind: "initial"; readonly row: number; readonly constant: boolean };
}

/** Multiply_adds in the body of the loop over k, of two vectors each if those are stored two by two. */
const BODY = 8;

export function tileName(shape: TileShape): string {
  const start = shape.start.kind === "initial" ? `i${shape.start.row}${shape.start.constant ? "s" : ""}` : shape.start.kind;
  return `tile_${shape.rows}x${shape.columns}of${shape.width}_a${shape.aRow}_${shape.aStep}_c${shape.cRow}_${start}`;
}

/** tile(a, b, c, initial, k): pointers in bytes, k the number of terms. */
export function tileFunction(shape: TileShape): LoopFunction {
  const vectors = Math.ceil(shape.columns / 4);
  const lanesOf = (v: number): Lanes => Math.min(4, shape.columns - 4 * v) as Lanes;
  const body: Statement[] = [];
  const each = (visit: (r: number, v: number, name: string) => void): void => {
    for (let r = 0; r < shape.rows; r++) for (let v = 0; v < vectors; v++) visit(r, v, `c${r}_${v}`);
  };
  each((_r, _v, name) => body.push(letLocal(name, f32x4(0))));
  const terms = (count: number): Statement[] => {
    const statements: Statement[] = [];
    for (let u = 0; u < count; u++) {
      for (let v = 0; v < vectors; v++) statements.push(letLocal(`b${v}`, load(i32Local("b"), 4 * shape.width * u + 16 * v)));
      for (let r = 0; r < shape.rows; r++) {
        statements.push(letLocal("x", splat(i32Local("p"), r * shape.aRow + u * shape.aStep)));
        for (let v = 0; v < vectors; v++)
          statements.push(letLocal(`c${r}_${v}`, multiplyAdd(f32x4Local("x"), f32x4Local(`b${v}`), f32x4Local(`c${r}_${v}`))));
      }
    }
    statements.push(letLocal("b", add32(i32Local("b"), i32(4 * shape.width * count))));
    return statements;
  };
  const unrolled = Math.min(4, Math.max(1, Math.floor(BODY / (shape.rows * (shape.wide ? Math.ceil(vectors / 2) : vectors)))));
  const end = add32(i32Local("a"), mul32(i32Local("k"), i32(shape.aStep)));
  if (unrolled === 1) body.push(forLoop("p", i32Local("a"), end, shape.aStep, terms(1)));
  else {
    const whole = add32(i32Local("a"), mul32(and32(i32Local("k"), i32(-powerOfTwo(unrolled))), i32(shape.aStep)));
    body.push(letLocal("whole", whole));
    body.push(forLoop("p", i32Local("a"), i32Local("whole"), shape.aStep * powerOfTwo(unrolled), terms(powerOfTwo(unrolled))));
    body.push(forLoop("p", i32Local("whole"), end, shape.aStep, terms(1)));
  }
  const result = (r: number, v: number): Expression => add(startValue(shape, r, v, lanesOf(v)), f32x4Local(`c${r}_${v}`));
  const paired = shape.wide ? Math.floor(shape.columns / 8) * 2 : 0;
  each((r, v) => {
    const offset = r * shape.cRow + 16 * v;
    if (v >= paired) body.push(store(i32Local("c"), offset, result(r, v), lanesOf(v)));
    else if (v % 2 === 0) body.push(storePair(i32Local("c"), offset, result(r, v), result(r, v + 1)));
  });
  const params = ["a", "b", "c", "initial", "k"].map((name) => declare(name, "i32"));
  return loopFunction(tileName(shape), params, body, `${shape.rows}×${shape.columns} tile of a product`);
}

function powerOfTwo(limit: number): number {
  return limit >= 4 ? 4 : limit >= 2 ? 2 : 1;
}

function startValue(shape: TileShape, row: number, vector: number, lanes: Lanes): Expression {
  switch (shape.start.kind) {
    case "zero":
      return f32x4(0);
    case "c":
      return load(i32Local("c"), row * shape.cRow + 16 * vector, lanes);
    case "initial":
      return shape.start.constant
        ? splat(i32Local("initial"), row * shape.start.row)
        : load(i32Local("initial"), row * shape.start.row + 16 * vector, lanes);
  }
}
