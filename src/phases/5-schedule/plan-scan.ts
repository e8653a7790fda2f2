/**
 * A scan's memory: states as sequences with one slot more than there are steps, so that the value before a step, the value after it, the whole
 * history and the last value are views of one place.
 *
 *     forward:   slot 0 = initial, step t reads slot t and writes slot t + 1, final = slot T
 *     reverse:   slot T = initial, step t reads slot t + 1 and writes slot t, final = slot 0
 */
import type { Node } from "../../ir/tensor/node.ts";
import { laterAccess, pickAccess, strideOf, touch } from "./access.ts";
import { labelOf } from "./label.ts";
import type { Outside, Planning, Value } from "./planning.ts";

export function planScan(planner: Planning, node: number): void {
  const { graph, places, sizes } = planner;
  const scan = graph.nodes[node].attributes.scan!;
  const { args } = graph.nodes[node];
  const { body, reverse } = scan;
  const name = scan.stateNames.length > 0 ? scan.stateNames.join(", ") : labelOf(graph, node);

  const states = scan.stateNames.map((state, k) => {
    const next = body.nodes[body.outputs[k].node];
    const sequence = places.scratch(state, ["t", ...next.axes], next.type, sizes, 1);
    const after = reverse ? sequence : laterAccess(sequence, 1);
    const before = reverse ? laterAccess(sequence, 1) : sequence;
    const first = pickAccess(sequence, "t", 0);
    const end = { ...first, perLength: strideOf(sequence, "t") };
    const initial = args[scan.sequences + scan.statics + k];
    planner.copy(planner.valueOf(initial), reverse ? end : first, next, `initial ${state}`, planner.steps);
    return { after, before, final: reverse ? first : end };
  });

  const valueOfParameter = ({ attributes }: Node): Value => {
    if (attributes.kind === "state") return { kind: "access", access: states[attributes.index!].before };
    return planner.valueOf(args[attributes.kind === "sequence" ? attributes.index! : scan.sequences + attributes.index!]);
  };
  const outside: Outside = {
    parameter: valueOfParameter,
    static: ({ op, attributes }) =>
      op === "parameter" && attributes.kind === "static" ? { planner, node: args[scan.sequences + attributes.index!] } : undefined,
  };
  const inner = planner.nested(body, outside);

  const begin = places.clock++;
  const want = states.map(({ after }, k) => ({ node: body.outputs[k].node, access: after, direct: true }));
  const emitted: Value[] = [];
  for (const output of body.outputs.slice(scan.states)) {
    const source = body.nodes[output.node];
    const k = want.findIndex((one) => one.node === output.node);
    if (k >= 0) emitted.push({ kind: "access", access: want[k].access });
    else if (source.op === "parameter") emitted.push(valueOfParameter(source));
    else if (source.op === "constant") emitted.push({ kind: "constant", value: source.attributes.value! });
    else {
      const access = places.scratch(labelOf(body, output.node), ["t", ...source.axes], source.type, sizes);
      want.push({ node: output.node, access, direct: true });
      emitted.push({ kind: "access", access });
    }
  }
  const known = places.all.length;
  inner.plan(want);
  planner.steps.push({ kind: "scan", label: `${reverse ? "backwards " : ""}over ${name}`, reverse, steps: inner.steps });
  const end = places.clock++;

  for (const access of [...states.map((state) => state.after), ...want.map((one) => one.access)]) {
    touch(access, begin);
    touch(access, end);
  }
  planner.holdAround(inner, known, begin, end);
  planner.scans.set(node, {
    emitted,
    finals: states.map(({ final }) => ({ kind: "access", access: final })),
    before: states.map(({ before }) => before),
  });
}
