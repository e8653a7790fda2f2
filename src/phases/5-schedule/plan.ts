/**
 * From a tensor graph to steps: which values are stored, where, and in what order.
 *
 * In: a graph (of a unit, or the body of a scan) and the places of the program. Out: steps whose accesses name places; lives of places widened.
 * A value is stored if something reads it from memory; it is written straight to where it is wanted (a state's next slot, an emitted sequence, a
 * part of a concatenation, a gradient) if its producer can, else copied. Never gives addresses: memory.ts does.
 */
import type { AxisName, AxisSize, Graph, Node } from "../../ir/tensor/node.ts";
import { placesOf } from "../../ir/tensor/sizes.ts";
import { InternalError, invariant } from "../../support/invariant.ts";
import {
  mergeAccess,
  pickAccess,
  positionStrides,
  renameAccess,
  sameAccess,
  sliceAccess,
  splitAccess,
  strideOf,
  touch,
  type Access,
  type Place,
  type Sizes,
} from "./access.ts";
import { behindNames } from "./behind-names.ts";
import { foldAccess, foldsTogether, placeOfFold, planFold, readsFirstSteps, unfoldAccess, type FoldedPlace } from "./fold.ts";
import { groupNodes, isLeaf, isSink, isView, positionsOnly, spaceOf, weightOnly, type Group, type Grouping } from "./group.ts";
import { labelOf } from "./label.ts";
import { planChunks } from "./plan-chunks.ts";
import { planLast, planScatter, planShift } from "./plan-moves.ts";
import { planProduct } from "./plan-product.ts";
import { planScan } from "./plan-scan.ts";
import { planSolve } from "./plan-solve.ts";
import { planStrip } from "./plan-strip.ts";
import { bodyPacksOnly } from "./packed-parameters.ts";
import type { Outside, Planning, ScanValues, Value, Want } from "./planning.ts";
import type { Places } from "./places.ts";
import { hasSquares, splitRegions, type Regions } from "./regions.ts";
import { consumersOf, productsOf, type ProductRoles } from "./roles.ts";
import { settle } from "./settle.ts";
import type { NestStep, Operand, Operation, Step } from "./step.ts";

export class Planner implements Planning {
  readonly graph: Graph;
  readonly places: Places;
  readonly sizes: Sizes;
  readonly steps: Step[] = [];
  readonly outside: Outside | undefined;
  readonly consumers: readonly (readonly number[])[];
  readonly products: ReadonlyMap<number, ProductRoles>;
  readonly prepared: readonly boolean[];
  readonly scans = new Map<number, ScanValues>();
  /** Places filled outside the loop that this planner's steps run in, and read in every round. */
  readonly held: Place[] = [];
  /** Sums over t inside a strip, which go on from strip to strip. */
  readonly continuing = new Set<number>();
  private readonly regions: Regions | undefined;
  private readonly grouping: Grouping;
  private readonly values = new Map<number, Value>();
  private readonly wanted = new Map<number, Access>();
  private readonly folds = new Map<number, FoldedPlace>();
  private readonly packOnlyMemo = new Map<number, boolean>();

  /** `rows`: inside a strip, how many time steps are in hand at most. */
  constructor(given: Graph, places: Places, outside?: Outside, rows?: number) {
    this.regions = rows === undefined && hasSquares(given) ? splitRegions(given) : undefined;
    const graph = foldsTogether(this.regions?.graph ?? given);
    this.graph = graph;
    this.places = places;
    this.outside = outside;
    this.sizes = {
      strip: rows !== undefined,
      extent: (axis: AxisName): number => {
        const size = this.sizes.of(axis);
        if (typeof size === "number") return size;
        if (size !== "T") return placesOf(size, places.capacity);
        return axis === "t" ? (rows ?? places.capacity) : Math.ceil(places.capacity / 8) * 8;
      },
      of: (axis: AxisName): AxisSize => {
        const size = graph.axes.get(axis);
        invariant(size !== undefined, `axis ${axis} has no size`);
        return size;
      },
    };
    this.consumers = consumersOf(graph);
    this.prepared = !outside ? weightOnly(graph) : rows === undefined ? positionsOnly(graph) : graph.nodes.map(() => false);
    const ready = (node: number): boolean => {
      const { op } = graph.nodes[node];
      return (
        isLeaf(graph.nodes[node]) ||
        this.prepared[node] ||
        (isView(graph.nodes[node]) && op !== "merge" && op !== "unfold" && ready(graph.nodes[node].args[0])) ||
        op === "scan"
      );
    };
    const regionOf = this.regions?.regionOf;
    const together = (node: number, other: number): boolean => regionOf?.[node] === regionOf?.[other];
    this.products = productsOf(graph, this.consumers, ready, (node) => this.sizes.strip && this.fixed(node), together);
    const grouping = groupNodes(graph, this.products, (node) => this.packOnly(node), this.prepared, this.regions?.regionOf);
    this.grouping = this.sizes.strip ? grouping : settle(graph, grouping, this.products); // what a strip holds is in the cache
  }

  /** True for weights (and concatenations of weights) that only ever are the packed side of products: they are never made. */
  packOnly(node: number): boolean {
    const known = this.packOnlyMemo.get(node);
    if (known !== undefined) return known;
    const { op } = this.graph.nodes[node];
    const chain = op === "concat" || op === "rename" || op === "transpose";
    let result = chain && this.consumers[node].length > 0 && !this.graph.outputs.some((output) => output.node === node);
    if (result && op === "concat") result = this.prepared[node];
    result &&= this.consumers[node].every((user) => {
      const roles = this.productOfContraction(user);
      if (roles) return roles.b === node && roles.a !== node && this.packable(roles);
      const { op: userOp, attributes, args } = this.graph.nodes[user];
      if (userOp === "rename" || userOp === "transpose" || userOp === "concat") return this.packOnly(user);
      if (userOp === "scan" && attributes.scan) {
        const uses = args.map((arg, i) => (arg === node ? i - attributes.scan!.sequences : -1)).filter((i) => i >= 0);
        return uses.every((i) => i < attributes.scan!.statics && bodyPacksOnly(attributes.scan!.body, i));
      }
      return false;
    });
    this.packOnlyMemo.set(node, result);
    return result;
  }

  private productOfContraction(node: number): ProductRoles | undefined {
    if (this.products.has(node)) return this.products.get(node);
    for (const roles of this.products.values())
      if (
        this.graph.nodes[roles.result].args.includes(node) &&
        this.graph.nodes[node].op === "contract" &&
        roles.result !== node &&
        roles.initial !== node
      )
        return roles;
    return undefined;
  }

  /** True if B can be packed once, outside every loop. */
  packable(roles: ProductRoles): boolean {
    return this.fixed(roles.b) && !roles.k.includes("t") && (this.sizes.strip || roles.batched.length === 0);
  }

  /** True if a value does not change while the program (or the loop around it) runs and all its parts are in memory before. */
  fixed(node: number): boolean {
    const { op, args, attributes } = this.graph.nodes[node];
    if (this.prepared[node]) return true;
    if (op === "parameter") return attributes.kind === "static" && !this.graph.nodes[node].axes.includes("t");
    return (op === "rename" || op === "transpose") && this.fixed(args[0]);
  }

  /** Plans every group. `want` says where outputs go; what cannot be written there directly is copied at the end. */
  plan(want: readonly Want[]): void {
    const copies: { node: number; access: Access }[] = [];
    for (const { node, access, direct } of want) {
      const source = direct ? behindNames(this, node, access) : undefined;
      if (source && !this.wanted.has(source.node)) {
        this.wanted.set(source.node, source.access);
        this.wanted.set(node, access); // where it leaves a strip under its own name
      } else copies.push({ node, access });
    }
    for (let i = this.graph.nodes.length - 1; i >= 0; i--) {
      if (this.graph.nodes[i].op === "concat" && !this.packOnly(i)) this.wantParts(i);
      if (this.graph.nodes[i].op === "fold" && !readsFirstSteps(this, i)) this.wantFolded(i);
    }
    const order = [...this.grouping.groups].sort((p, q) => Number(q.prepared) - Number(p.prepared));
    for (const group of order) {
      if (group.kind === "strip") planStrip(this, group.nodes, this.regions!.causal[this.regions!.regionOf[group.nodes[0]]]);
      else if (group.kind === "nest") this.planNest(group);
      else this.planSingle(group.nodes[0], group);
    }
    for (const { node, access } of copies) this.copy(this.valueOf(node), access, this.graph.nodes[node], `copy to ${access.place.name}`, this.steps);
  }

  private wantFolded(node: number): void {
    const place = placeOfFold(this, node);
    this.folds.set(node, place);
    this.wantBehind(this.graph.nodes[node].args[0], place.steps, false);
  }

  /** Has a value written straight to a part of another one, if its producer can. */
  private wantBehind(node: number, access: Access, prepared: boolean): void {
    const source = behindNames(this, node, access);
    if (!source || this.wanted.has(source.node) || this.prepared[source.node] !== prepared) return;
    const hasColumns = this.graph.nodes[source.node].axes.some((axis) => strideOf(source.access, axis) === 1 && this.sizes.of(axis) !== 1);
    if (hasColumns || !this.products.has(source.node)) this.wanted.set(source.node, source.access);
  }

  private wantParts(node: number): void {
    const { args, attributes, axes, type } = this.graph.nodes[node];
    const target = this.wanted.get(node) ?? this.places.scratch(labelOf(this.graph, node), axes, type, this.sizes, 0, this.prepared[node]);
    this.wanted.set(node, target);
    let start = 0;
    args.forEach((arg, i) => {
      const part = attributes.parts![i];
      const access = sliceAccess(target, attributes.axis!, part, start);
      if (args.indexOf(arg) === i) this.wantBehind(arg, access, this.prepared[node]);
      start += this.sizes.of(part) as number;
    });
  }

  /** The value of a node in memory (views are resolved). */
  valueOf(node: number): Value {
    const known = this.values.get(node);
    if (known) return known;
    const value = this.resolve(node);
    this.values.set(node, value);
    return value;
  }

  accessOf(node: number): Access {
    const value = this.valueOf(node);
    if (value.kind === "access") return value.access;
    const access = this.places.scratch(`constant ${value.value}`, [], this.graph.nodes[node].type, this.sizes, 0, true);
    this.copy(value, access, { ...this.graph.nodes[node], axes: [] }, `constant ${value.value}`, this.places.prepare);
    this.values.set(node, { kind: "access", access });
    return access;
  }

  setValue(node: number, access: Access): void {
    this.values.set(node, { kind: "access", access });
  }

  /** Where a node's result goes: where it is wanted, or scratch of its own. */
  targetOf(node: number): Access {
    const { axes, type } = this.graph.nodes[node];
    const access = this.wanted.get(node) ?? this.places.scratch(labelOf(this.graph, node), axes, type, this.sizes, 0, this.prepared[node]);
    this.setValue(node, access);
    return access;
  }

  private resolve(node: number): Value {
    const { op, args, attributes, axes, type } = this.graph.nodes[node];
    const viewed = (change: (access: Access) => Access): Value => {
      const value = this.valueOf(args[0]);
      return value.kind === "constant" ? value : { kind: "access", access: change(value.access) };
    };
    const to = attributes.to;
    switch (op) {
      case "constant":
        return { kind: "constant", value: attributes.value! };
      case "weight":
        return { kind: "access", access: this.places.weight(attributes.name!, axes, this.sizes) };
      case "input":
        return { kind: "access", access: this.inputAccess(attributes.name!, axes, type) };
      case "parameter":
        return this.outside!.parameter(this.graph.nodes[node]);
      case "rename":
        return viewed((access) => renameAccess(access, attributes.from!, typeof to === "string" ? [to] : to!));
      case "transpose":
      case "broadcast":
        return viewed((access) => access);
      case "slice":
        return viewed((access) => sliceAccess(access, attributes.axis!, to as AxisName, attributes.start!));
      case "pick":
        return viewed((access) => pickAccess(access, attributes.axis!, attributes.start!));
      case "split":
        return viewed((access) => splitAccess(access, attributes.axis!, typeof to === "string" ? [to] : to!, this.sizes));
      case "unfold":
        return viewed((access) => unfoldAccess(access, attributes.axes!, this.sizes) ?? this.unfoldCopy(node, access));
      case "merge":
        return viewed((access) => mergeAccess(access, attributes.axes!, to as AxisName, this.sizes) ?? this.mergeCopy(node, access));
      case "concat":
        return { kind: "access", access: this.materialize(node) };
      case "emitted":
        return this.scans.get(args[0])!.emitted[attributes.index!];
      case "final":
        return this.scans.get(args[0])!.finals[attributes.index!];
    }
    throw new InternalError(`internal error: node ${node} (${op}) is read before it is computed`);
  }

  /** Makes a concatenation of weights that was to be packed only, for a product that cannot pack it. */
  private materialize(node: number): Access {
    invariant(this.packOnly(node), `concatenation ${node} is read before it is computed`);
    const { args, attributes, axes, type } = this.graph.nodes[node];
    const target = this.places.scratch(labelOf(this.graph, node), axes, type, this.sizes, 0, true);
    let start = 0;
    args.forEach((arg, i) => {
      const part = attributes.parts![i];
      this.copy(
        this.valueOf(arg),
        sliceAccess(target, attributes.axis!, part, start),
        this.graph.nodes[arg],
        `part of ${labelOf(this.graph, node)}`,
        this.places.prepare,
      );
      start += this.sizes.of(part) as number;
    });
    return target;
  }

  /** Merged axes that do not lie row-major: their values are brought together first. */
  private mergeCopy(node: number, access: Access): Access {
    const { attributes } = this.graph.nodes[node];
    const merged = mergeAccess(this.broughtTogether(node, access), attributes.axes!, attributes.to as AxisName, this.sizes);
    invariant(merged, "axes of a dense place merge");
    return merged;
  }

  private unfoldCopy(node: number, access: Access): Access {
    const unfolded = unfoldAccess(this.broughtTogether(node, access), this.graph.nodes[node].attributes.axes!, this.sizes);
    invariant(unfolded, "groups of a dense place unfold");
    return unfolded;
  }

  /** The argument of a node in a dense place of its own. */
  private broughtTogether(node: number, access: Access): Access {
    const { args } = this.graph.nodes[node];
    const source = this.graph.nodes[args[0]];
    const target = this.places.scratch(labelOf(this.graph, node), source.axes, source.type, this.sizes, 0, this.prepared[node]);
    this.copy(
      { kind: "access", access },
      target,
      source,
      `bring ${labelOf(this.graph, node)} together`,
      this.prepared[node] ? this.places.prepare : this.steps,
    );
    return target;
  }

  private inputAccess(name: string, axes: readonly AxisName[], type: Node["type"]): Access {
    if (this.places.isFlat(name)) return this.places.whole(name, axes, this.sizes);
    const role = name.startsWith("state:") ? "state" : name.startsWith("optimizer:") ? "optimizer" : axes.length === 0 ? "scalar" : "input";
    return this.places.persistent(name, role, axes, type, this.sizes);
  }

  /** Adds a step after marking the places that it touches. */
  add(step: Step, accesses: readonly Access[], into: Step[] = this.steps): void {
    const at = this.places.clock++;
    for (const access of accesses) touch(access, at);
    into.push(step);
  }

  copy(value: Value, target: Access, node: Pick<Node, "axes" | "type">, label: string, into: Step[]): void {
    const arg: Operand = value.kind === "constant" ? { ...value, type: node.type } : { kind: "access", access: value.access, type: node.type };
    const axes = node.axes.filter((axis) => !(this.outside && axis === "t")).map((name) => ({ name, size: this.sizes.of(name) }));
    const operation: Operation = { op: "copy", args: [arg], type: node.type, stores: [target], over: [] };
    this.add({ kind: "nest", label, axes, operations: [operation] }, value.kind === "access" ? [value.access, target] : [target], into);
  }

  private planNest(group: Group): void {
    if (group.nodes.length === 0) return;
    const index = new Map(group.nodes.map((node, i) => [node, i]));
    const touched: Access[] = [];
    const operations = group.nodes.map((node): Operation => this.operation(node, index, touched, group));
    const axes = spaceOf(this.graph, this.graph.nodes[group.nodes[0]]).map((name) => ({ name, size: this.sizes.of(name) }));
    const label = group.nodes
      .filter((_, i) => operations[i].stores.length > 0)
      .map((node) => labelOf(this.graph, node))
      .join(", ");
    const step: NestStep = { kind: "nest", label, axes, operations };
    this.add(step, touched, group.prepared ? this.places.prepare : this.steps);
  }

  private operation(node: number, index: ReadonlyMap<number, number>, touched: Access[], group: Group): Operation {
    const { op, args, type, attributes, axes } = this.graph.nodes[node];
    const lookup = op === "gather" || op === "random";
    const operands = args.map((arg): Operand => {
      const inner = index.get(arg);
      if (inner !== undefined && !lookup) return { kind: "operation", index: inner };
      const value = lookup ? { kind: "access" as const, access: this.accessOf(arg) } : this.valueOf(arg);
      if (value.kind === "constant") return { kind: "constant", value: value.value, type: this.graph.nodes[arg].type };
      touched.push(value.access);
      return { kind: "access", access: value.access, type: this.graph.nodes[arg].type };
    });
    const stores = this.stored(node, group) ? [this.targetOf(node)] : [];
    touched.push(...stores);
    const continues = this.continuing.has(node);
    const operation: Operation = { op, args: operands, type, stores, over: isSink(this.graph.nodes[node]) ? attributes.over! : [], continues };
    if (op === "iota" || op === "argmax") return { ...operation, position: new Map([[attributes.axis ?? attributes.over![0], 1]]) };
    if (op === "random") return { ...operation, stream: attributes.stream!, position: positionStrides(axes, this.sizes) };
    if (op === "gather") {
      const table = (operands[0] as { access: Access }).access;
      const along = pickAccess(table, attributes.axis!, 0);
      return {
        ...operation,
        args: [{ kind: "access", access: along, type }, operands[1]],
        position: new Map([["index", table.strides.get(attributes.axis!) ?? 0]]),
      };
    }
    return operation;
  }

  /** True if this nest writes the value: something reads it where it is not computed. */
  private stored(node: number, group: Group): boolean {
    const { groups, homesOf } = this.grouping;
    const homes = homesOf(node);
    if (groups[Math.min(...homes)] !== group) return false;
    if (isSink(this.graph.nodes[node]) || this.wanted.has(node) || this.graph.outputs.some((output) => output.node === node)) return true;
    return this.consumers[node].some(
      (user) =>
        isView(this.graph.nodes[user]) ||
        ["gather", "random"].includes(this.graph.nodes[user].op) ||
        homesOf(user).some((home) => !homes.includes(home)),
    );
  }

  private planSingle(node: number, group: Group): void {
    const roles = this.products.get(node);
    if (roles) return planProduct(this, roles, group.prepared);
    const { op, args, attributes, type } = this.graph.nodes[node];
    const into = group.prepared ? this.places.prepare : this.steps;
    switch (op) {
      case "scan":
        if (attributes.scan!.chunk === undefined) planScan(this, node);
        else planChunks(this, node);
        return;
      case "solve":
        planSolve(this, node);
        return;
      case "concat": {
        const target = this.targetOf(node);
        let start = 0;
        args.forEach((arg, i) => {
          const part = attributes.parts![i];
          const access = sliceAccess(target, attributes.axis!, part, start);
          const value = this.valueOf(arg);
          if (value.kind === "constant" || !sameAccess(value.access, access)) {
            this.copy(value, access, this.graph.nodes[arg], `part of ${labelOf(this.graph, node)}`, into);
          }
          start += this.sizes.of(part) as number;
        });
        return;
      }
      case "pad": {
        const target = this.targetOf(node);
        this.copy({ kind: "constant", value: 0 }, target, this.graph.nodes[node], `clear ${labelOf(this.graph, node)}`, into);
        const part = sliceAccess(target, attributes.to as AxisName, attributes.axis!, attributes.start!);
        this.copy(this.valueOf(args[0]), part, this.graph.nodes[args[0]], labelOf(this.graph, node), into);
        return;
      }
      case "scatter":
        planScatter(this, node, into);
        return;
      case "fold": {
        const place = this.folds.get(node);
        this.setValue(node, place ? planFold(this, node, place) : foldAccess(this.accessOf(args[0]), attributes.axes!, this.sizes));
        return;
      }
      case "shift":
        this.setValue(node, planShift(this, node));
        return;
      case "last":
        this.setValue(node, planLast(this, node));
        return;
    }
    throw new InternalError(`internal error: there is no step for ${op} of type ${type}`);
  }

  wantedAt(node: number): Access | undefined {
    return this.wanted.get(node);
  }

  nested(graph: Graph, outside: Outside, rows?: number): Planning {
    return new Planner(graph, this.places, outside, rows);
  }

  /** True if a sum goes on from what its target holds. */
  accumulates(node: number): boolean {
    return this.continuing.has(node);
  }

  isProduct(node: number): boolean {
    return this.products.has(node);
  }

  /** Keeps alive through a loop [begin, end] what its body reads from outside (places made before number `known`, and what was packed for it). */
  holdAround(inner: Planning, known: number, begin: number, end: number): void {
    for (const place of inner.held) {
      place.live.from = Math.min(place.live.from, begin);
      place.live.to = Math.max(place.live.to, end);
    }
    for (const place of this.places.all.slice(0, known)) {
      if (place.live.to <= begin || place.live.from >= end) continue;
      place.live.from = Math.min(place.live.from, begin);
      place.live.to = Math.max(place.live.to, end);
    }
    if (this.places.threads === 1) return;
    // Threads keep to their part of the batch and do not wait for each other inside the loop: while one reads a place, another may be steps ahead.
    for (const { live, persistent } of this.places.all.slice(known)) {
      if (persistent || live.to < begin) continue;
      live.from = Math.min(live.from, begin);
      live.to = Math.max(live.to, end);
    }
  }

  /** Group number of a node, for deciding whether an output may overwrite an input. */
  groupOf(node: number): number {
    return this.grouping.groupOf[node];
  }
}
