/**
 * Matrix products as loops: blocks of rows, panels of columns, tiles.
 *
 * In: a product step whose places have addresses. Out: loop functions of (T, t, n) and the tiles that they call (shared by name). B lies in panels
 * [n / width][k][width], padded with zeros: packed once (weights), or piece by piece when it changes (weight gradients), where A is packed block by
 * block if its terms are not contiguous. A single tile of rows reads B where it lies. Pieces of k have a fixed length and sum into C in order: bits do not
 * depend on them.
 */
import type { Expression, Lanes, LoopFunction, Statement } from "../../ir/loop/node.ts";
import {
  add32,
  call,
  clear,
  div32,
  equal32,
  forLoop,
  i32,
  i32Local,
  letLocal,
  load,
  loopFunction,
  min32,
  mul32,
  rem32,
  store,
  storePair,
  sub32,
  when,
} from "../../ir/loop/build.ts";
import { invariant } from "../../support/invariant.ts";
import { strideOf, type Access, type Place } from "./access.ts";
import { KERNEL_PARAMETERS, SHARED_PARAMETERS, type AddressOf, type Sharing } from "./nest.ts";
import { shareOf } from "./share.ts";
import { timedOf } from "./space.ts";
import type { Dimension, ProductStep } from "./step.ts";
import { tileFunction, tileName, type TileShape } from "./tile.ts";

/** Terms of k per piece that is packed while hot. */
export const PIECE = 256;
/** Rows of A that stay in cache while all panels pass by, in whole tiles. */
const rowBlock = (tileRows: number): number => tileRows * Math.floor(64 / tileRows);
/** Tiles whose rows are packed at once: their rows of a term are whole lines of the cache, which are read once. */
const PACKED_AT_ONCE = 8;
/** The same for rows that are packed, a block at a time. */
const packedBlock = (tileRows: number): number => 2 * PACKED_AT_ONCE * tileRows;
/** Elements from a tile's packed rows to the next one's: a few more than a piece has, so that tiles packed at once go to different sets of the cache. */
const packedTile = (tileRows: number): number => (PIECE + 4) * tileRows;
/** Room for the packed rows of a block. */
export const packedElements = (rows: number, tileRows: number): number =>
  Math.ceil(Math.min(rows, packedBlock(tileRows)) / tileRows) * packedTile(tileRows);

export type Tiles = Map<string, LoopFunction>;

const dimensionStride = (access: Access, dimension: Dimension): number =>
  dimension.axes.length === 0 ? 0 : strideOf(access, dimension.axes[dimension.axes.length - 1]);
const count = (dimension: Dimension): Expression => (dimension.timed ? mul32(i32Local(dimension.timed), i32(dimension.size)) : i32(dimension.size));

/** The loop function of a product. */
export function lowerProduct(step: ProductStep, name: string, addressOf: AddressOf, bound: boolean, sharing: Sharing, tiles: Tiles): LoopFunction {
  const outerBatch = sharing === "batch" ? step.outer.findIndex((loop) => loop.axis === "b") : -1;
  const rows = sharing === "none" || outerBatch >= 0 ? "all" : "share";
  let body = new ProductWriter(step, addressOf, bound, sharing, rows, tiles).write();
  for (let d = step.outer.length - 1; d >= 0; d--) {
    const { axis, size } = step.outer[d];
    const end = typeof size === "number" ? i32(size) : i32Local(timedOf(axis, size) as "n" | "T");
    body = [forLoop(`o${d}`, ...(d === outerBatch ? ([i32Local("lo"), i32Local("hi")] as const) : ([i32(0), end] as const)), 1, body)];
  }
  const share = sharing === "none" ? [] : outerBatch >= 0 ? shareOf(i32(step.outer[outerBatch].size as number), 1) : rowShare(step, sharing);
  return loopFunction(name, sharing === "none" ? KERNEL_PARAMETERS : SHARED_PARAMETERS, [...share, ...body], step.label);
}

/** The rows of C that a thread computes: its part of the batch, or any range of whole tiles. */
function rowShare(step: ProductStep, sharing: Sharing): Statement[] {
  return shareOf(count(step.m), sharing === "batch" ? 1 : step.tileRows);
}

class ProductWriter {
  private readonly step: ProductStep;
  private readonly addressOf: AddressOf;
  private readonly bound: boolean;
  private readonly tiles: Tiles;
  private readonly packsA: boolean;

  private readonly sharing: Sharing;
  private readonly rows: "all" | "share";

  constructor(step: ProductStep, addressOf: AddressOf, bound: boolean, sharing: Sharing, rows: "all" | "share", tiles: Tiles) {
    this.sharing = sharing;
    this.rows = rows;
    this.step = step;
    this.addressOf = addressOf;
    this.bound = bound;
    this.tiles = tiles;
    this.packsA = step.packedA !== undefined;
  }

  write(): Statement[] {
    const { step } = this;
    const statements = [letLocal("aBase", this.start(step.a)), letLocal("cBase", this.start(step.c))];
    if (step.initial) statements.push(letLocal("initialBase", this.start(step.initial)));
    if (step.panels) {
      let panels: Expression = i32(this.addressOf(step.panels));
      step.outer.forEach(({ axis }, d) => {
        panels = add32(mul32(i32Local(`o${d}`), i32(4 * (step.panelStrides?.get(axis) ?? 0))), panels);
      });
      statements.push(letLocal("bBase", panels));
      return [...statements, ...this.rowBlocks(step.accumulates ? "c" : this.first(), count(step.k))];
    }
    statements.push(letLocal("source", this.start(step.b)), letLocal("terms", count(step.k)));
    if (step.packedB) statements.push(letLocal("bBase", this.own(step.packedB)));
    const piece = (from: Expression, start: TileShape["start"]["kind"]): Statement[] => [
      letLocal("from", from),
      letLocal("length", min32(i32(PIECE), sub32(i32Local("terms"), i32Local("from")))),
      ...(step.packedB ? this.packB() : [letLocal("bBase", add32(i32Local("source"), mul32(i32Local("from"), i32(this.termBytes()))))]),
      ...this.rowBlocks(start, i32Local("length")),
    ];
    const several = step.k.timed || step.k.size > PIECE;
    statements.push(...piece(i32(0), step.accumulates ? "c" : this.first()));
    if (several) statements.push(forLoop("piece", i32(PIECE), i32Local("terms"), PIECE, piece(i32Local("piece"), "c")));
    return statements;
  }

  /** The rows that this thread computes. */
  private rowRange(): readonly [Expression, Expression] {
    return this.rows === "share" ? [i32Local("lo"), i32Local("hi")] : [i32(0), count(this.step.m)];
  }

  /** Scratch of this thread. */
  private own(place: Place): Expression {
    const address = i32(this.addressOf(place));
    return this.sharing === "none" ? address : add32(mul32(i32Local("p"), i32(4 * this.step.scratch!)), address);
  }

  /** B is read where it lies: its panels are ranges of its own columns. */
  private readsB(): boolean {
    return !this.step.panels && !this.step.packedB;
  }

  /** Bytes between terms of B where it lies. */
  private termBytes(): number {
    return 4 * dimensionStride(this.step.b, this.step.k);
  }

  private first(): TileShape["start"]["kind"] {
    return this.step.initial ? "initial" : "zero";
  }

  /** Address of the first element of an access for the current outer indices and time. */
  private start(access: Access): Expression {
    let sum: Expression = i32(this.addressOf(access.place) + 4 * access.offset);
    if (this.bound && !access.place.strip) sum = add32(mul32(i32Local("t"), i32(4 * strideOf(access, "t"))), sum);
    if (access.perLength !== 0) sum = add32(mul32(i32Local("T"), i32(4 * access.perLength)), sum);
    this.step.outer.forEach(({ axis }, d) => {
      sum = add32(mul32(i32Local(`o${d}`), i32(4 * strideOf(access, axis))), sum);
    });
    return sum;
  }

  private rowBlocks(start: TileShape["start"]["kind"], terms: Expression): Statement[] {
    const { m } = this.step;
    const [from, to] = this.rowRange();
    const block = this.packsA ? packedBlock(this.step.tileRows) : rowBlock(this.step.tileRows);
    const pass = (first: Expression, end: Expression): Statement[] => [
      ...(this.packsA ? this.packA(first, end) : []),
      ...this.panelsOf(first, end, start, terms),
    ];
    if (!m.timed && m.size <= block) return pass(from, to);
    return [
      letLocal("rows", to),
      forLoop("block", from, i32Local("rows"), block, [
        letLocal("blockEnd", min32(add32(i32Local("block"), i32(block)), i32Local("rows"))),
        ...pass(i32Local("block"), i32Local("blockEnd")),
      ]),
    ];
  }

  /** All panels for the rows [from, to): whole panels in a loop, then the narrow last one. */
  private panelsOf(from: Expression, to: Expression, start: TileShape["start"]["kind"], terms: Expression): Statement[] {
    const { n, panelWidth } = this.step;
    const statements: Statement[] = [];
    const panelTerms = this.step.panels ? i32(this.step.panelTerms!) : i32Local("length");
    const panelBytes = this.readsB() ? i32(4 * panelWidth) : mul32(panelTerms, i32(4 * panelWidth));
    if (n.timed) {
      // Rows of C have room for whole panels; what lies beyond the last column is never read.
      const panels = div32(add32(count(n), i32(panelWidth - 1)), i32(panelWidth));
      return [
        letLocal("panel", i32Local("bBase")),
        letLocal("columnEnd", mul32(panels, i32(4 * panelWidth))),
        forLoop("j", i32(0), i32Local("columnEnd"), 4 * panelWidth, [
          ...this.rowsOf(from, to, i32Local("j"), i32Local("panel"), panelWidth, start, terms),
          letLocal("panel", add32(i32Local("panel"), panelBytes)),
        ]),
      ];
    }
    const whole = Math.floor(n.size / panelWidth);
    const rest = n.size % panelWidth;
    if (whole > 0) {
      statements.push(
        letLocal("panel", i32Local("bBase")),
        forLoop("j", i32(0), i32(4 * panelWidth * whole), 4 * panelWidth, [
          ...this.rowsOf(from, to, i32Local("j"), i32Local("panel"), panelWidth, start, terms),
          letLocal("panel", add32(i32Local("panel"), panelBytes)),
        ]),
      );
    }
    if (rest > 0) {
      const panel = add32(i32Local("bBase"), mul32(panelBytes, i32(whole)));
      statements.push(letLocal("panel", panel), ...this.rowsOf(from, to, i32(4 * panelWidth * whole), i32Local("panel"), rest, start, terms));
    }
    return statements;
  }

  private rowsOf(
    from: Expression,
    to: Expression,
    column: Expression,
    panel: Expression,
    columns: number,
    start: TileShape["start"]["kind"],
    terms: Expression,
  ): Statement[] {
    const { step } = this;
    const { tileRows } = step;
    const rowBytes = 4 * dimensionStride(step.c, step.m);
    const aRow = this.packsA ? 4 : 4 * dimensionStride(step.a, step.m);
    const aStep = this.packsA ? 4 * tileRows : 4 * dimensionStride(step.a, step.k);
    const initial = step.initial;
    const initialRow = initial ? 4 * dimensionStride(initial, step.m) : 0;
    const constant = initial !== undefined && dimensionStride(initial, step.n) === 0;
    const tile = (rows: number, at: Expression): Statement => {
      const shape: TileShape = {
        rows,
        columns,
        width: this.readsB() ? this.termBytes() / 4 : step.panelWidth,
        aRow,
        aStep,
        cRow: rowBytes,
        wide: step.wide,
        start: start === "initial" ? { kind: "initial", row: initialRow, constant } : { kind: start },
      };
      const name = tileName(shape);
      if (!this.tiles.has(name)) this.tiles.set(name, tileFunction(shape));
      // Packed rows lie tile by tile: [row / rows][k][rows].
      const packed = (): Expression => add32(this.own(step.packedA!), mul32(div32(sub32(at, from), i32(tileRows)), i32(4 * packedTile(tileRows))));
      const a = this.packsA ? packed() : add32(i32Local("aBase"), mul32(at, i32(aRow)));
      const shifted = this.packsA || step.panels ? a : add32(a, mul32(i32Local("from"), i32(4 * dimensionStride(step.a, step.k))));
      const c = add32(add32(i32Local("cBase"), column), mul32(at, i32(rowBytes)));
      const first =
        start === "initial" ? add32(constant ? i32Local("initialBase") : add32(i32Local("initialBase"), column), mul32(at, i32(initialRow))) : i32(0);
      return call(name, shifted, panel, c, first, terms);
    };
    const statements: Statement[] = [];
    const staticRows = from.kind === "i32" && to.kind === "i32" ? to.value - from.value : undefined;
    if (staticRows !== undefined) {
      const whole = staticRows - (staticRows % tileRows);
      if (whole > 0) statements.push(forLoop("i", i32(0), i32(whole), tileRows, [tile(tileRows, i32Local("i"))]));
      if (whole < staticRows) statements.push(tile(staticRows - whole, i32(whole)));
      return statements;
    }
    const rests = this.rests();
    statements.push(letLocal("wholeEnd", rests.length === 0 ? to : sub32(to, rem32(sub32(to, from), i32(tileRows)))));
    statements.push(forLoop("i", from, i32Local("wholeEnd"), tileRows, [tile(tileRows, i32Local("i"))]));
    for (const rows of rests) statements.push(when(equal32(sub32(to, i32Local("wholeEnd")), i32(rows)), [tile(rows, i32Local("wholeEnd"))]));
    return statements;
  }

  /** How many rows a range may leave over after whole tiles: known, because blocks and shares begin at whole tiles, but for times and parts of the batch. */
  private rests(): readonly number[] {
    const { m, tileRows } = this.step;
    const rest = m.size % tileRows;
    const isOpen = (this.rows === "share" && this.sharing === "batch") || (m.timed && rest !== 0);
    return isOpen ? Array.from({ length: tileRows - 1 }, (_, i) => i + 1) : rest === 0 ? [] : [rest];
  }

  /** Packs the terms [from, from + length) of B into panels. */
  private packB(): Statement[] {
    const { step } = this;
    const width = step.panelWidth;
    const kStride = 4 * dimensionStride(step.b, step.k);
    const nStride = dimensionStride(step.b, step.n);
    const statements: Statement[] = [];
    invariant(!step.n.timed, "a B whose columns grow with time is packed before the strip");
    for (let panel = 0; panel * width < step.n.size; panel++) {
      const columns = Math.min(width, step.n.size - panel * width);
      statements.push(
        ...this.packPanel(
          add32(i32Local("bBase"), mul32(i32Local("length"), i32(4 * width * panel))),
          panel * width,
          columns,
          width,
          kStride,
          nStride,
          "source",
        ),
      );
    }
    return statements;
  }

  /** Packs the rows of A, a tile at a time: [row / rows][k][rows]. */
  private packA(from: Expression, end: Expression): Statement[] {
    const { step } = this;
    const kStride = 4 * dimensionStride(step.a, step.k);
    const mStride = dimensionStride(step.a, step.m);
    const { tileRows } = step;
    const tileBytes = 4 * packedTile(tileRows);
    const to = add32(this.own(step.packedA!), mul32(div32(sub32(i32Local("i"), from), i32(tileRows)), i32(tileBytes)));
    const size = from.kind === "i32" && end.kind === "i32" ? end.value - from.value : undefined;
    const tilesAt = (at: Expression, rows: number, tiles = 1): Statement[] => [
      letLocal("rowSource", add32(i32Local("aBase"), mul32(at, i32(4 * mStride)))),
      ...this.packPanel(to, 0, rows, tileRows, kStride, mStride, "rowSource", tiles, tileBytes),
    ];
    const several = PACKED_AT_ONCE * tileRows;
    const statements: Statement[] = [];
    let next = from;
    if (mStride === 1 && (size === undefined || size >= several)) {
      next = size === undefined ? i32Local("packedEnd") : add32(from, i32(size - (size % several)));
      if (size === undefined) statements.push(letLocal("packedEnd", sub32(end, rem32(sub32(end, from), i32(several)))));
      statements.push(forLoop("i", from, next, several, tilesAt(i32Local("i"), tileRows, PACKED_AT_ONCE)));
    }
    // Rows side by side whose number is known only when it runs are packed in whole tiles: what lies beyond the last row is read and never used.
    const rests = size !== undefined ? [size % tileRows].filter((rest) => rest > 0) : mStride === 1 ? [] : this.rests();
    const whole = rests.length === 0 ? end : size === undefined ? sub32(end, rem32(sub32(end, from), i32(tileRows))) : sub32(end, i32(rests[0]));
    statements.push(forLoop("i", next, whole, tileRows, tilesAt(i32Local("i"), tileRows)));
    for (const rest of rests) {
      const last = [letLocal("i", whole), ...tilesAt(i32Local("i"), rest)];
      statements.push(...(size === undefined ? [when(equal32(sub32(end, whole), i32(rest)), last)] : last));
    }
    return statements;
  }

  /** Copies `columns` columns for `length` terms; columns beyond are zero. */
  private packPanel(
    to: Expression,
    column: number,
    columns: number,
    width: number,
    kStride: number,
    nStride: number,
    source: string,
    panels = 1,
    panelBytes = 0,
  ): Statement[] {
    const inner: Statement[] = [];
    for (let panel = 0; panel < panels; panel++) inner.push(...this.packTerm(panel * panelBytes, column + panel * columns, columns, width, nStride));
    inner.push(letLocal("s", add32(i32Local("s"), i32(kStride))));
    return [
      letLocal("s", add32(i32Local(source), mul32(i32Local("from"), i32(kStride)))),
      letLocal("q0", to),
      forLoop("q", i32Local("q0"), add32(i32Local("q0"), mul32(i32Local("length"), i32(4 * width))), 4 * width, inner),
    ];
  }

  /** Copies the columns of one term, from `s` to `q`. */
  private packTerm(offset: number, column: number, columns: number, width: number, nStride: number): Statement[] {
    const statements: Statement[] = [];
    const read = (at: number, lanes: Lanes = 4): Expression => load(i32Local("s"), 4 * (column + at) * nStride, lanes);
    for (let v = 0; v < width; v += 4) {
      const room = Math.min(4, width - v);
      const lanes = Math.max(0, Math.min(4, columns - v));
      const at = offset + 4 * v;
      if (this.step.wide && nStride === 1 && lanes === 4 && columns - v >= 8) {
        statements.push(storePair(i32Local("q"), at, read(v), read(v + 4)));
        v += 4;
        continue;
      }
      if (lanes < room && (lanes === 0 || nStride !== 1)) statements.push(clear(add32(i32Local("q"), i32(at)), i32(4 * room)));
      if (nStride === 1 && lanes > 0) statements.push(store(i32Local("q"), at, read(v, lanes as Lanes), lanes as Lanes));
      if (nStride !== 1) for (let lane = 0; lane < lanes; lane++) statements.push(store(i32Local("q"), at + 4 * lane, read(v + lane, 1), 1));
    }
    return statements;
  }
}

/** Elements of the panels of an n × k operand. */
export function panelElements(n: number, k: number, width: number): number {
  return Math.ceil(n / width) * width * k;
}
