/**
 * What the parts of the planner know of each other: the plan of one graph while it is made.
 *
 * plan.ts holds it; plan-product.ts, plan-solve.ts, plan-scan.ts, plan-chunks.ts, plan-strip.ts and plan-moves.ts add the steps of one kind of node to it.
 */
import type { Graph, Node } from "../../ir/tensor/node.ts";
import type { Access, Place, Sizes } from "./access.ts";
import type { Places } from "./places.ts";
import type { ProductRoles } from "./roles.ts";
import type { Step } from "./step.ts";

/** Where a node's value is: a number, or memory. */
export type Value = { readonly kind: "constant"; readonly value: number } | { readonly kind: "access"; readonly access: Access };

/** What a body knows of its scan. */
export interface Outside {
  /** Value of a parameter. */
  readonly parameter: (node: Node) => Value;
  /** Planner and node behind a static parameter, for operands that are packed before the loop. */
  readonly static: (node: Node) => { readonly planner: Planning; readonly node: number } | undefined;
}

/** An output and where it goes; `direct`: its producer may write there at once. */
export interface Want {
  readonly node: number;
  readonly access: Access;
  readonly direct: boolean;
}

/** The values of a scan that others read. */
export interface ScanValues {
  readonly emitted: readonly Value[];
  readonly finals: readonly Value[];
  /** Each state before every step. */
  readonly before: readonly Access[];
}

export interface Planning {
  readonly graph: Graph;
  readonly places: Places;
  readonly sizes: Sizes;
  readonly steps: Step[];
  readonly outside: Outside | undefined;
  readonly consumers: readonly (readonly number[])[];
  readonly prepared: readonly boolean[];
  readonly scans: Map<number, ScanValues>;
  /** Places filled outside the loop that this plan's steps run in, and read in every round. */
  readonly held: Place[];
  /** Sums over t inside a strip, which go on from strip to strip. */
  readonly continuing: Set<number>;
  plan(want: readonly Want[]): void;
  /** A plan of its own for the body of a loop. */
  nested(graph: Graph, outside: Outside, rows?: number): Planning;
  packOnly(node: number): boolean;
  packable(roles: ProductRoles): boolean;
  accumulates(node: number): boolean;
  isProduct(node: number): boolean;
  valueOf(node: number): Value;
  accessOf(node: number): Access;
  targetOf(node: number): Access;
  wantedAt(node: number): Access | undefined;
  setValue(node: number, access: Access): void;
  add(step: Step, accesses: readonly Access[], into?: Step[]): void;
  copy(value: Value, target: Access, node: Pick<Node, "axes" | "type">, label: string, into: Step[]): void;
  holdAround(inner: Planning, known: number, begin: number, end: number): void;
}
