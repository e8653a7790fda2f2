/**
 * Finds the node that is made already: hash-consing without texts.
 *
 * In: the parts of a node. Out: the number of an equal node, if there is one. Equal: the same op on the same arguments with equal attributes, axes and type; bodies
 * of scans are compared node by node. Names and places in the source do not count. Never makes nodes.
 */
import { equalAxes } from "./axes.ts";
import type { Attributes, Graph, Node, Op, ScanAttributes } from "./node.ts";
import { opTable } from "./ops.ts";

/** The nodes of a graph under construction by what they are made of. */
export interface NodeTable {
  /** What stands for the node with these parts; undefined if there is none yet. */
  find(hash: number, node: Node): number | undefined;
  /** Enters node `id` (its parts lie in `nodes`); it stands for itself. */
  enter(hash: number, id: number): void;
  /** From now on `better` is found instead of `id`. */
  replace(id: number, better: number): void;
}

const opNumbers: Readonly<Record<string, number>> = Object.fromEntries(Object.keys(opTable).map((op, i) => [op, i + 1]));

const mix = (hash: number, part: number): number => {
  const product = Math.imul(hash ^ part, 0x9e3779b1);
  return product ^ (product >>> 15);
};

function mixText(hash: number, text: string): number {
  let result = hash;
  for (let i = 0; i < text.length; i++) result = Math.imul(result, 31) + text.charCodeAt(i);
  return result | 0;
}

/** A number that is equal for equal nodes. */
export function hashOf(op: Op, args: readonly number[], attributes: Attributes): number {
  let hash = opNumbers[op];
  for (let i = 0; i < args.length; i++) hash = mix(hash, args[i]);
  for (const key in attributes) {
    const value = attributes[key as keyof Attributes];
    if (typeof value === "number") hash ^= mix(key.length, Object.is(value, -0) ? 1 : Number.isInteger(value) ? value : value * 0x10000);
    else if (typeof value === "string") hash ^= mixText(key.length, value);
    else if (Array.isArray(value) && value.length > 0) hash ^= mixText(key.length, value[0]);
  }
  return hash | 0;
}

/** A table over the growing list `nodes`. */
export function nodeTable(nodes: readonly Node[]): NodeTable {
  const latest = new Map<number, number>();
  /** For each node the one entered before it under the same hash, −1 for none. */
  const before: number[] = [];
  const stands: number[] = [];
  return {
    find(hash, node) {
      for (let id = latest.get(hash) ?? -1; id >= 0; id = before[id]) if (equalNodes(nodes[id], node)) return stands[id];
      return undefined;
    },
    enter(hash, id) {
      before[id] = latest.get(hash) ?? -1;
      stands[id] = id;
      latest.set(hash, id);
    },
    replace(id, better) {
      stands[id] = better;
    },
  };
}

function equalNodes(a: Node, b: Node): boolean {
  if (a.op !== b.op || a.type !== b.type || a.args.length !== b.args.length) return false;
  for (let i = 0; i < a.args.length; i++) if (a.args[i] !== b.args[i]) return false;
  return equalAxes(a.axes, b.axes) && equalAttributes(a.attributes, b.attributes);
}

function equalAttributes(a: Attributes, b: Attributes): boolean {
  if (a === b) return true;
  for (const key in a) if (!equalValues(a[key as keyof Attributes], b[key as keyof Attributes])) return false;
  for (const key in b) if (a[key as keyof Attributes] === undefined) return false;
  return true;
}

function equalValues(a: Attributes[keyof Attributes], b: Attributes[keyof Attributes]): boolean {
  if (typeof a !== "object" || typeof b !== "object") return Object.is(a, b);
  if (Array.isArray(a)) return Array.isArray(b) && equalAxes(a, b);
  return !Array.isArray(b) && equalScans(a as ScanAttributes, b as ScanAttributes);
}

function equalScans(a: ScanAttributes, b: ScanAttributes): boolean {
  if (a === b) return true;
  if (a.reverse !== b.reverse || a.chunk !== b.chunk || a.sequences !== b.sequences || a.statics !== b.statics || a.states !== b.states) return false;
  return equalAxes(a.stateNames, b.stateNames) && equalBodies(a.body, b.body);
}

/** True if two bodies compute the same in the same way. */
export function equalBodies(a: Graph, b: Graph): boolean {
  if (a === b) return true;
  if (a.nodes.length !== b.nodes.length || a.outputs.length !== b.outputs.length) return false;
  return (
    a.outputs.every(({ name, node }, i) => node === b.outputs[i].node && name === b.outputs[i].name) &&
    a.nodes.every((node, i) => equalNodes(node, b.nodes[i]))
  );
}
