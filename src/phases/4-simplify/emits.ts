/**
 * What a scan must emit when work moves out of it.
 *
 * In: the roles of a body's nodes (hoist.ts) and which of them are wanted outside. Out: the nodes to emit. All else that is computed outside is made of these, of the scan's
 * arguments and of states shifted in time.
 */
import type { ScanAttributes } from "../../ir/tensor/node.ts";
import { isCheap, isView } from "../../ir/tensor/ops.ts";
import { readersOf, readsInPassing } from "./remake.ts";

/** What is known of each node of a body. */
export interface Roles {
  readonly scan: ScanAttributes;
  readonly live: readonly boolean[];
  /** Depends on a live state. */
  readonly recurrent: readonly boolean[];
  /** Depends on a sequence. */
  readonly varying: readonly boolean[];
  /** Needed by the next value of a live state. */
  readonly core: readonly boolean[];
  /** Computed outside before the scan. */
  readonly before: readonly boolean[];
  /** Recurrent, not core, and heavy or downstream of something heavy: computed outside after the scan. */
  readonly after: readonly boolean[];
}

export const nextOf = (scan: ScanAttributes, state: number): number => scan.body.outputs[state].node;

/** The nodes that the roots are made of, and the roots. */
export function ancestors(scan: ScanAttributes, roots: readonly number[]): boolean[] {
  const reached = scan.body.nodes.map(() => false);
  for (const root of roots) reached[root] = true;
  for (let i = reached.length - 1; i >= 0; i--) if (reached[i]) for (const arg of scan.body.nodes[i].args) reached[arg] = true;
  return reached;
}

/** Body nodes whose values of all steps are needed outside and are best had by emitting them. */
export function demandedEmits(roles: Roles, wanted: readonly number[]): Set<number> {
  const emits = emitsBut(roles, wanted, new Set());
  const repeated = madeOfOne(roles, wanted, emits);
  return repeated.size === 0 ? emits : emitsBut(roles, wanted, repeated);
}

/** What is demanded, where some nodes are computed outside again. */
function emitsBut(
  { scan, live, recurrent, varying, core, before, after }: Roles,
  wanted: readonly number[],
  repeated: ReadonlySet<number>,
): Set<number> {
  const { nodes } = scan.body;
  let inBody: readonly boolean[] = core;
  for (;;) {
    const emits = new Set<number>();
    const seen = new Set<number>();
    const demand = (i: number): void => {
      if (seen.has(i) || before[i]) return;
      seen.add(i);
      const { op, args, attributes } = nodes[i];
      if (op === "parameter" && attributes.kind === "state" && live[attributes.index!]) demand(nextOf(scan, attributes.index!));
      else if (isView(op) || after[i] || repeated.has(i)) args.forEach(demand);
      else if (recurrent[i] || (varying[i] && inBody[i] && op !== "parameter")) emits.add(i);
      else args.forEach(demand);
    };
    wanted.forEach(demand);
    const grown = ancestors(scan, [...emits]).map((is, i) => is || inBody[i]); // what the body computes anyway is emitted, not computed twice
    if (grown.every((is, i) => is === inBody[i])) return emits;
    inBody = grown;
  }
}

/**
 * Nodes to compute outside again: on the way to a value that is read in passing and made by cheap work of smaller values and of at most one as large that is outside in any
 * case. Reading that one takes as long as reading the value, and the value is not written.
 */
function madeOfOne({ scan, before, after }: Roles, wanted: readonly number[], emits: ReadonlySet<number>): Set<number> {
  const { body } = scan;
  const readers = readersOf(body);
  const repeated = new Set<number>();
  const isOutside = (i: number): boolean => {
    const { op, attributes } = body.nodes[i];
    return before[i] || (emits.has(i) && !repeated.has(i)) || op === "constant" || (op === "parameter" && attributes.kind !== "state");
  };
  const wayTo = (id: number): ReadonlySet<number> => {
    const way = new Set<number>();
    const large = new Set<number>();
    const follow = (i: number): boolean => {
      if (i !== id && isOutside(i)) {
        if (body.nodes[i].axes.length >= body.nodes[id].axes.length) large.add(i);
        return true;
      }
      const { op, args } = body.nodes[i];
      way.add(i);
      return (isCheap(op) || isView(op)) && args.length > 0 && args.every(follow);
    };
    return follow(id) && large.size <= 1 ? way : new Set();
  };
  for (const i of [...emits].sort((a, b) => b - a)) {
    const outer = readers[i].filter((reader) => reader >= 0 && after[reader]);
    if (wanted.includes(i) || !outer.every((reader) => readsInPassing(body, reader))) continue;
    for (const each of wayTo(i)) repeated.add(each);
  }
  return repeated;
}
