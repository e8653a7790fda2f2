/**
 * Phase 4: the same graph, in the form in which it runs fast and keeps its digits.
 *
 * In: a tensor graph, with or without gradients. Out: a graph with the same outputs (names, order, memory order) and a trace of what was done. The passes:
 * algebra and careful forms, hoist (work out of recurrences), sink (elementwise work into them), stack (one product of several), join (whole values instead of
 * slices), bundle (a recurrence emits stacks); round after round until nothing changes. In tests every pass is verified; the caller verifies the result.
 */
import type { Graph } from "../../ir/tensor/node.ts";
import { isElementwise } from "../../ir/tensor/ops.ts";
import { rewrite, type Firing } from "../../ir/tensor/rewrite.ts";
import { verifiesPasses, verify } from "../../ir/tensor/verify.ts";
import { algebra } from "./algebra.ts";
import { emitStacks, emittingScan, readFromStacks, shareStacks, stackInside } from "./bundle.ts";
import { hoist } from "./hoist.ts";
import { contractSums } from "./contract-sums.ts";
import { mapBodies, weightName, weightNameInside } from "./remake.ts";
import { sink } from "./sink.ts";
import { stackTerms, stackWeights, type WeightName } from "./stack.ts";
import { joinTiles } from "./tiles.ts";

export interface SimplifyOptions {
  /** Receives the graph after every pass that changed it. */
  readonly onPass?: (name: string, graph: Graph) => void;
  /** Only algebra: nothing leaves a recurrence, nothing is stacked. */
  readonly algebraOnly?: boolean;
  /** Verifies the graph after every pass that changed it; if absent, what `verifyEveryPass` says. */
  readonly verifyPasses?: boolean;
}

type Pass = (graph: Graph, trace: Firing[]) => Graph;
type BodyPass = (body: Graph, trace: Firing[], nameOf: WeightName) => Graph;

/** Values outside of recurrences are laid side by side only if one recurrence emits them all, or elementwise work writes them all. */
const mayStackOutside = (graph: Graph) => (values: readonly number[]) => {
  if (values.every((value) => isElementwise(graph.nodes[value].op) && graph.nodes[value].axes.includes("t"))) return true;
  const scans = new Set(values.map((value) => emittingScan(graph, value)));
  return scans.size === 1 && !scans.has(undefined);
};

/** The pass on every body. Names of weights only order what a pass stacks, so a body that it left as it was has nothing for it under other names either. */
const inside = (pass: BodyPass): Pass => {
  const settled = new WeakSet<Graph>();
  return (graph, trace) =>
    mapBodies(graph, (body, scan) => {
      if (settled.has(body)) return body;
      const next = pass(body, trace, weightNameInside(graph, scan));
      if (next === body) settled.add(body);
      return next;
    });
};

const algebraPass: Pass = (graph, trace) => {
  const result = rewrite(graph, algebra);
  trace.push(...result.trace);
  return result.graph;
};

/** Sinks into one recurrence after the other, and moves out of each at once what the change set free. */
const sinkAll: Pass = (graph, trace) => {
  let current = graph;
  for (;;) {
    const next = sink(current, trace);
    if (next === current) return current;
    current = hoist(next, trace);
  }
};

/** The passes of one round, in order. */
const passes: readonly (readonly [string, Pass])[] = [
  ["algebra", algebraPass],
  ["contract sums", contractSums],
  ["contract sums inside", inside(contractSums)],
  ["hoist", hoist],
  ["stack", (graph, trace) => stackWeights(graph, trace, weightName, mayStackOutside(graph))],
  ["join", joinTiles],
  ["hoist", hoist],
  ["sink", sinkAll],
  ["stack terms inside", inside((body, trace, nameOf) => stackTerms(body, trace, nameOf, () => true))],
  ["share stacks", inside(shareStacks)],
  ["stack inside", inside((body, trace, nameOf) => stackWeights(body, trace, nameOf))],
  ["emit stacks", emitStacks],
  ["stack terms", (graph, trace) => stackTerms(graph, trace, weightName, mayStackOutside(graph))],
  ["bundle", stackInside],
  ["read from stacks", readFromStacks],
  ["share stacks", inside(shareStacks)],
  ["join inside", inside(joinTiles)],
  ["join", joinTiles],
];

/** More rounds than any graph needs; passes only ever shrink what they look for. */
const MOST_ROUNDS = 24;

/** Simplifies a graph. The outputs keep their names, order and axes. */
export function simplify(graph: Graph, options: SimplifyOptions = {}): { graph: Graph; trace: readonly Firing[] } {
  const { verifyPasses = verifiesPasses(), onPass } = options;
  const trace: Firing[] = [];
  let current = graph;
  /** For each pass the graph that it last left as it was. */
  const done = new Map<Pass, Graph>();
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const before = current;
    for (const [name, pass] of options.algebraOnly ? passes.slice(0, 1) : passes) {
      if (done.get(pass) === current) continue;
      const next = pass(current, trace);
      if (next === current) {
        done.set(pass, current);
        continue;
      }
      if (verifyPasses) verify(next);
      onPass?.(name, next);
      current = next;
    }
    if (current === before) break;
  }
  return { graph: current, trace };
}
