/**
 * A matrix product's dimensions and storage.
 *
 * In: roles from axes (roles.ts) and the accesses of A, B and C. Out: pack and product steps. Axes that lie row-major in every operand merge into
 * one dimension; those that do not become loops around the product. A B that never changes is packed once, where it is made.
 */
import type { AxisName } from "../../ir/tensor/node.ts";
import { isTimed } from "../../ir/tensor/sizes.ts";
import { invariant } from "../../support/invariant.ts";
import { renameAccess, strideOf, type Access, type Place } from "./access.ts";
import { foldedIn } from "./fold.ts";
import { labelOf } from "./label.ts";
import type { Planning } from "./planning.ts";
import { packedElements, panelElements, PIECE } from "./product.ts";
import type { ProductRoles } from "./roles.ts";
import { timedOf, type Timed } from "./space.ts";
import type { Dimension, PackSize, PackStep, ProductStep, Step } from "./step.ts";

/** Fewest rows for which a product of a few columns is computed turned: as many columns of a few rows fill whole vectors. */
const ROWS_TO_TURN = 16;

/** Plans a product; one of fewer columns than a vector has lanes is computed as its transpose, which is put in its place at the end. */
export function planProduct(planner: Planning, given: ProductRoles, prepared: boolean): void {
  const target = planner.targetOf(given.result);
  const { n, m, initial, batched } = columnsInnermost(planner, given, target);
  const sizeOf = (axes: readonly AxisName[]): number =>
    axes.reduce((product, axis) => (isTimed(planner.sizes.of(axis)) ? Number.NaN : product * (planner.sizes.of(axis) as number)), 1);
  const isNarrow = sizeOf(n) < 4 && sizeOf(m) >= ROWS_TO_TURN && initial === undefined && batched.length === 0 && !planner.accumulates(given.result);
  if (!isNarrow) return planInto(planner, given, prepared, target);
  const label = labelOf(planner.graph, given.result);
  const turned = planner.places.scratch(`${label} turned`, [...n, ...m], "real", planner.sizes, 0, prepared);
  planInto(planner, given, prepared, turned);
  const into = prepared ? planner.places.prepare : planner.steps;
  planner.copy({ kind: "access", access: turned }, target, planner.graph.nodes[given.result], `turn ${label}`, into);
}

function planInto(planner: Planning, given: ProductRoles, prepared: boolean, c: Access): void {
  const { graph, places } = planner;
  const roles = columnsInnermost(planner, given, c);
  const a = planner.accessOf(roles.a);
  const label = labelOf(graph, roles.result);
  const into = prepared ? places.prepare : planner.steps;
  const initial = roles.initial === undefined ? undefined : initialInColumns(planner, roles.initial, roles.n, label, prepared);
  const m = dimension(planner, roles.m, [a, c, ...(initial ? [initial] : [])]);
  const k = dimension(planner, roles.k, [a]);
  const aContiguous = k.rest.length === 0 && innerStride(a, k.merged) === 1;
  const rows = m.merged.timed ? m.merged.size * places.capacity : m.merged.size;
  const { tileRows, wide } = places;
  const accumulates = planner.accumulates(roles.result);
  const folded = foldedIn([...roles.m, ...roles.k, ...roles.n, ...roles.batched].map(planner.sizes.of));

  const n = dimension(planner, roles.n, [c, ...(initial ? [initial] : [])]);
  const panelWidth = panelWidthOf(n.merged, rows, wide);
  if (planner.packable(roles) && aContiguous && n.rest.length === 0 && k.merged.timed !== "n") {
    const parts = packParts(planner, roles);
    const { panels, strides } = packPanels(planner, roles, parts, n.merged, k.merged, panelWidth);
    const outer = outerLoops(planner, [...roles.batched, ...m.rest], []);
    const step: ProductStep = {
      kind: "product",
      label,
      m: m.merged,
      n: n.merged,
      k: k.merged,
      outer,
      a,
      b: a,
      panels,
      panelTerms: room(planner, k.merged),
      panelStrides: strides,
      c,
      initial,
      accumulates,
      panelWidth,
      tileRows,
      wide,
      folded,
    };
    planner.add(step, [a, c, ...(initial ? [initial] : []), whole(panels)], into);
    return;
  }

  const b = planner.accessOf(roles.b);
  const bothK = dimension(planner, roles.k, [a, b]);
  const bothN = dimension(planner, roles.n, [c, b, ...(initial ? [initial] : [])]);
  const summedOutside = bothK.rest.length > 0;
  const start = summedOutside || accumulates ? undefined : initial;
  if (summedOutside && !accumulates) {
    const node = graph.nodes[roles.result];
    if (initial) planner.copy({ kind: "access", access: initial }, c, node, `begin ${label}`, into);
    else planner.copy({ kind: "constant", value: 0 }, c, node, `begin ${label}`, into);
  }
  const packsA = innerStride(a, bothK.merged) !== 1;
  const mSize = room(planner, m.merged);
  const rowsSize = packsA ? packedElements(mSize, tileRows) : 0;
  // One tile of rows reads each number of B once: to pack it would cost more than to read it where it lies.
  const readsB = !m.merged.timed && mSize <= tileRows && !bothN.merged.timed && bothN.merged.size % 4 === 0 && innerStride(b, bothN.merged) === 1;
  const width = packsA ? panelWidthOf(bothN.merged, readsB ? mSize : 4, wide) : panelWidth;
  const columnsSize = readsB ? 0 : panelElements(room(planner, bothN.merged), PIECE, width);
  const scratch = Math.max(rowsSize, columnsSize);
  const room1 = (size: number): number => size + (places.threads - 1) * scratch;
  const packedA = packsA ? places.block(`${label} rows`, room1(rowsSize), prepared) : undefined;
  const packedB = readsB ? undefined : places.block(`${label} columns`, room1(columnsSize), prepared);
  const outer = [...outerLoops(planner, [...roles.batched, ...m.rest, ...bothN.rest], []), ...outerLoops(planner, bothK.rest, bothK.rest)];
  const step: ProductStep = {
    kind: "product",
    label,
    m: m.merged,
    n: bothN.merged,
    k: bothK.merged,
    outer,
    a,
    b,
    c,
    initial: start,
    accumulates: summedOutside || accumulates,
    packedA,
    packedB,
    scratch,
    panelWidth: width,
    tileRows,
    wide,
    folded,
  };
  planner.add(step, [a, b, c, ...(start ? [start] : []), ...(packedB ? [whole(packedB)] : []), ...(packedA ? [whole(packedA)] : [])], into);
}

/** What a sum begins with, read as vectors of columns: brought together first if it has the columns, but not side by side. */
function initialInColumns(planner: Planning, node: number, columns: readonly AxisName[], label: string, prepared: boolean): Access {
  const { graph, places, sizes } = planner;
  const access = planner.accessOf(node);
  const inner = columns.findLast((axis) => sizes.of(axis) !== 1);
  if (inner === undefined || strideOf(access, inner) <= 1) return access;
  const { axes, type } = graph.nodes[node];
  const target = places.scratch(`${label} begun`, [...axes.filter((axis) => axis !== inner), inner], type, sizes, 0, prepared);
  planner.copy({ kind: "access", access }, target, { axes, type }, `begin ${label}`, prepared ? places.prepare : planner.steps);
  return target;
}

/** Columns of a panel: two vectors, four for one or two rows; twice as many for wide vectors. Columns that grow with time have room for whole panels of 8. */
function panelWidthOf(n: Dimension, rows: number, wide: boolean): number {
  if (n.timed) return 8;
  if (!wide) return rows < 3 ? 16 : 8;
  return rows < 3 && n.size > 16 ? 32 : n.size > 8 ? 16 : 8;
}

/** A result that is stored transposed (a state behind a transposition) has its rows innermost: then they are the columns of Cᵀ = Bᵀ·Aᵀ. */
function columnsInnermost({ sizes }: Planning, roles: ProductRoles, c: Access): ProductRoles {
  const inner = (axes: readonly AxisName[]): number => {
    const useful = axes.filter((axis) => sizes.of(axis) !== 1);
    return useful.length === 0 ? 1 : strideOf(c, useful[useful.length - 1]);
  };
  invariant(inner(roles.n) === 1 || inner(roles.m) === 1, "neither rows nor columns of a product are innermost where it is stored");
  return inner(roles.n) === 1 ? roles : { ...roles, a: roles.b, b: roles.a, m: roles.n, n: roles.m };
}

/** Elements that a dimension has at most. */
function room(planner: Planning, { axes, size, timed }: Dimension): number {
  return timed ? size * planner.sizes.extent(axes.find((axis) => isTimed(planner.sizes.of(axis))) ?? "t") : size;
}

const whole = (place: Place): Access => ({ place, offset: 0, perLength: 0, strides: new Map() });
const innerStride = (access: Access, { axes }: Dimension): number => (axes.length === 0 ? 0 : strideOf(access, axes[axes.length - 1]));

function outerLoops(planner: Planning, axes: readonly AxisName[], reduced: readonly AxisName[]): ProductStep["outer"] {
  return axes.map((axis) => ({ axis, size: planner.sizes.of(axis), reduces: reduced.includes(axis) }));
}

/** The innermost axes that lie row-major in every access, as one dimension, and the axes that are left. */
function dimension(planner: Planning, axes: readonly AxisName[], accesses: readonly Access[]): { merged: Dimension; rest: readonly AxisName[] } {
  const { sizes } = planner;
  const useful = axes.filter((axis) => sizes.of(axis) !== 1);
  if (useful.length === 0) return { merged: { axes: axes.slice(-1), size: 1, timed: false }, rest: [] };
  const merged: AxisName[] = [];
  let size = 1;
  let timed: Timed = false;
  for (let i = useful.length - 1; i >= 0; i--) {
    const axis = useful[i];
    const inner = merged[merged.length - 1];
    if (inner !== undefined && (timed || !accesses.every((access) => strideOf(access, axis) === strideOf(access, inner) * size))) {
      return { merged: { axes: merged.slice(0, 1), size, timed }, rest: useful.slice(0, i + 1) };
    }
    if (merged.length === 0) merged.push(axis);
    if (isTimed(sizes.of(axis))) timed = timedOf(axis, sizes.of(axis));
    else size *= sizes.of(axis) as number;
  }
  return { merged: { axes: merged, size, timed }, rest: [] };
}

interface Part {
  readonly source: Access;
  readonly sizes: ReadonlyMap<AxisName, number>;
  readonly starts: ReadonlyMap<AxisName, number>;
}

/** Size of an axis of a B that is packed before. */
function packSize(planner: Planning, axis: AxisName): PackSize {
  const size = planner.sizes.of(axis);
  invariant(typeof size === "number" || size === "T", `groups of time steps along ${axis} are never packed before`);
  return size;
}

/** The arrays that make up B without concatenations being made. */
function packParts(planner: Planning, roles: ProductRoles): PackStep["parts"] {
  const parts = partsOf(planner, roles.b, new Map(), new Map());
  return parts.map((part) => {
    const size = (axis: AxisName): PackSize => part.sizes.get(axis) ?? packSize(planner, axis);
    return {
      source: part.source,
      nAxes: roles.n,
      kAxes: roles.k,
      nSizes: roles.n.map(size),
      kSizes: roles.k.map(size),
      nStarts: roles.n.map((axis) => part.starts.get(axis) ?? 0),
      kStarts: roles.k.map((axis) => part.starts.get(axis) ?? 0),
    };
  });
}

function partsOf(planner: Planning, node: number, starts: ReadonlyMap<AxisName, number>, lengths: ReadonlyMap<AxisName, number>): Part[] {
  const { op, args, attributes } = planner.graph.nodes[node];
  const renamed = (parts: Part[], from: readonly AxisName[], to: readonly AxisName[]): Part[] => {
    const change = (map: ReadonlyMap<AxisName, number>): Map<AxisName, number> =>
      new Map([...map].map(([axis, value]) => [from.includes(axis) ? to[from.indexOf(axis)] : axis, value]));
    return parts.map((part) => ({ source: renameAccess(part.source, from, to), starts: change(part.starts), sizes: change(part.sizes) }));
  };
  if (op === "rename") {
    const to = attributes.to!;
    return renamed(partsOf(planner, args[0], starts, lengths), attributes.from!, typeof to === "string" ? [to] : to);
  }
  if (op === "transpose") return partsOf(planner, args[0], starts, lengths);
  if (op === "parameter" && planner.outside) {
    const behind = planner.outside.static(planner.graph.nodes[node]);
    if (behind) return partsOf(behind.planner, behind.node, starts, lengths);
  }
  if (op === "concat" && planner.packOnly(node)) {
    let start = 0;
    return args.flatMap((arg, i) => {
      const part = attributes.parts![i];
      const axis = attributes.axis!;
      const size = planner.sizes.of(part) as number;
      const inner = renamed(partsOf(planner, arg, new Map(), new Map()), [part], [axis]).map((one) => ({
        source: one.source,
        starts: new Map([...one.starts, [axis, (one.starts.get(axis) ?? 0) + start]]),
        sizes: new Map([...one.sizes, [axis, one.sizes.get(axis) ?? size]]),
      }));
      start += size;
      return inner;
    });
  }
  return [{ source: planner.accessOf(node), starts, sizes: lengths }];
}

/** The panels of B, made where B's parts are in memory: once for equal operands. */
function packPanels(
  planner: Planning,
  roles: ProductRoles,
  parts: PackStep["parts"],
  n: Dimension,
  k: Dimension,
  panelWidth: number,
): { panels: Place; strides: ReadonlyMap<AxisName, number> } {
  let home: Planning = planner;
  let node = roles.b;
  while (home.outside) {
    const inner = home.graph.nodes[node];
    if (inner.op === "rename" || inner.op === "transpose") node = inner.args[0];
    else {
      const behind = home.outside.static(inner);
      if (!behind) break;
      home = behind.planner;
      node = behind.node;
    }
  }
  const fixed = home.prepared[node];
  const label = `pack ${parts
    .map((part) => part.source.place.name)
    .filter((name, i, all) => all.indexOf(name) === i)
    .join(", ")} for ${labelOf(planner.graph, roles.result)}`;
  const one = panelElements(room(planner, n), room(planner, k), panelWidth);
  const strides = new Map<AxisName, number>();
  let elements = one;
  for (const axis of [...roles.batched].reverse()) {
    strides.set(axis, elements);
    elements *= planner.sizes.extent(axis);
  }
  const panels = planner.places.block(label, elements, fixed);
  const outer = roles.batched.map((axis) => ({ axis, size: packSize(planner, axis), stride: strides.get(axis)! }));
  const step: PackStep = {
    kind: "pack",
    label,
    panels,
    panelWidth,
    columns: n.timed ? undefined : n.size,
    terms: room(planner, k),
    outer,
    parts,
    nFull: roles.n.map((axis) => packSize(planner, axis)),
    kFull: roles.k.map((axis) => packSize(planner, axis)),
  };
  if (home !== planner) planner.held.push(panels);
  const into: Step[] = fixed ? planner.places.prepare : home.steps;
  home.add(step, [...parts.map((part) => part.source), whole(panels)], into);
  return { panels, strides };
}
