/**
 * Time: which definitions are recurrences, in which direction, and in which order everything is computed.
 *
 * In: the model with its equations. Out: the definitions in evaluation order and the recurrences: strongly connected components (Tarjan 1972) of the
 * graph whose edges say "reads at lag k". A component with a lagged edge is a recurrence; a cycle within one time step, and a component
 * that reads both earlier and later values of itself, are mistakes of the author. Never recursive: texts can be long.
 */
import type { Span } from "../../support/source.ts";
import { visitTerm } from "../../ir/network/equation.ts";
import type { Model, Reporter, ValueSymbol } from "./draft.ts";
import { lastPart } from "./report-inside.ts";

export interface Component {
  readonly names: readonly string[];
  readonly direction?: "forward" | "backward";
}

interface Edge {
  readonly to: string;
  readonly lag: number;
  /** True if read at another index of time: `k[s]`. */
  readonly moment: boolean;
  readonly span: Span;
}

export function orderValues(model: Model, report: Reporter): readonly Component[] {
  const edges = new Map<string, Edge[]>();
  for (const symbol of model.values.values()) edges.set(symbol.name, edgesOf(model, symbol));
  const components: Component[] = [];
  for (const names of stronglyConnected([...model.values.keys()], (name) => edges.get(name)!.map((edge) => edge.to))) {
    const inside = new Set(names);
    const inner = names.flatMap((name) =>
      edges
        .get(name)!
        .filter((edge) => inside.has(edge.to))
        .map((edge) => ({ from: name, ...edge })),
    );
    if (inner.length === 0) {
      components.push({ names });
      continue;
    }
    const moment = inner.find((edge) => edge.moment);
    if (moment) {
      report.error("E307", moment.span, `${lastPart(moment.to)} is read at all times, and depends on itself`, {
        label: "a sum over time cannot be part of a recurrence",
      });
    }
    const now = new Map(names.map((name) => [name, edges.get(name)!.filter((edge) => inside.has(edge.to) && edge.lag === 0 && !edge.moment)]));
    const cycle = cycleOf(names, (name) => now.get(name)!.map((edge) => edge.to));
    if (cycle) {
      const [first] = cycle;
      const edge = now.get(first)!.find((each) => each.to === (cycle[1] ?? first))!;
      report.error("E302", edge.span, `${lastPart(first)} depends on itself within one time step: ${[...cycle, first].map(lastPart).join(" → ")}`, {
        label: `read ${lastPart(edge.to)} of the step before`,
        edit: { span: edge.span, text: `${report.quote(edge.span)}[t-1]`, label: `${report.quote(edge.span)}[t-1]` },
      });
    }
    const forward = inner.find((edge) => edge.lag > 0);
    const backward = inner.find((edge) => edge.lag < 0);
    if (forward && backward) {
      report.error("E308", backward.span, `${lastPart(backward.from)} needs both earlier and later values of the same recurrence`, {
        label: "reads a later step",
        reasons: [{ message: `\`${report.quote(forward.span)}\` reads an earlier step`, span: forward.span }],
      });
    }
    const ordered = cycle ? names : topological(names, (name) => now.get(name)!.map((edge) => edge.to));
    components.push({ names: ordered, direction: backward && !forward ? "backward" : forward ? "forward" : undefined });
  }
  return components;
}

function edgesOf(model: Model, symbol: ValueSymbol): Edge[] {
  const list: Edge[] = [];
  if (!symbol.equation) return list;
  visitTerm(symbol.equation.value, (term) => {
    const moment = term.kind === "moment" && term.operand.kind === "value" ? term.operand : undefined;
    if (moment && model.values.has(moment.name)) list.push({ to: moment.name, lag: moment.lag, moment: true, span: term.span });
    if (term.kind === "value" && model.values.has(term.name)) list.push({ to: term.name, lag: term.lag, moment: false, span: term.span });
  });
  const momentary = new Set(list.filter((edge) => edge.moment).map((edge) => `${edge.to} ${edge.lag}`));
  return list.filter((edge) => edge.moment || !momentary.has(`${edge.to} ${edge.lag}`));
}

/** Strongly connected components, those that others depend on first; members in the given order. */
function stronglyConnected(names: readonly string[], next: (name: string) => readonly string[]): string[][] {
  const place = new Map(names.map((name, k) => [name, k]));
  const found = new Map<string, { index: number; low: number; on: boolean }>();
  const stack: string[] = [];
  const result: string[][] = [];
  for (const root of names) {
    if (found.has(root)) continue;
    const work: { name: string; next: readonly string[]; at: number }[] = [];
    const open = (name: string): void => {
      found.set(name, { index: found.size, low: found.size, on: true });
      stack.push(name);
      work.push({ name, next: next(name), at: 0 });
    };
    open(root);
    while (work.length > 0) {
      const frame = work[work.length - 1];
      const state = found.get(frame.name)!;
      if (frame.at < frame.next.length) {
        const to = frame.next[frame.at++];
        const seen = found.get(to);
        if (!seen) open(to);
        else if (seen.on) state.low = Math.min(state.low, seen.index);
        continue;
      }
      work.pop();
      const parent = work.at(-1);
      if (parent) found.get(parent.name)!.low = Math.min(found.get(parent.name)!.low, state.low);
      if (state.low !== state.index) continue;
      const members: string[] = [];
      for (let name: string; ; ) {
        name = stack.pop()!;
        found.get(name)!.on = false;
        members.push(name);
        if (name === frame.name) break;
      }
      result.push(members.sort((a, b) => place.get(a)! - place.get(b)!));
    }
  }
  return result;
}

/** Members in an order in which each comes after what it reads. */
function topological(names: readonly string[], next: (name: string) => readonly string[]): string[] {
  return stronglyConnected(names, next).flat();
}

/** A cycle, if there is one: each name reads the one after it, the last reads the first. */
function cycleOf(names: readonly string[], next: (name: string) => readonly string[]): string[] | undefined {
  const loop = stronglyConnected(names, next).find((members) => members.length > 1 || next(members[0]).includes(members[0]));
  if (!loop) return undefined;
  const inside = new Set(loop);
  const path: string[] = [loop[0]];
  for (;;) {
    const to = next(path[path.length - 1]).find((name) => inside.has(name))!;
    const at = path.indexOf(to);
    if (at >= 0) return path.slice(at);
    path.push(to);
  }
}
