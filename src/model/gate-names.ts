/**
 * How gates are called: by their whole path ("h1.i"), or by its last part where no other gate ends in the same ("i").
 */
import type { GateDeclaration } from "../ir/network/node.ts";
import { SluiceError } from "../support/diagnostic.ts";

type Gate = Pick<GateDeclaration, "name" | "value">;

/** A gate's name without where it stands: "i" of "h1.i"; of an expression, that of each name in it: "silu(Wg·x)" of "silu(h.Wg·h.x)". */
export function shortName(name: string): string {
  if (/^[\p{L}\p{M}\p{N}_.]+$/u.test(name)) return name.slice(name.lastIndexOf(".") + 1);
  return name.replace(/(?<![\p{L}\p{M}\p{N}_.])[\p{L}_][\p{L}\p{M}\p{N}_]*\.(?:[\p{L}\p{M}\p{N}_]+\.)*(?=[\p{L}_])/gu, "");
}

/** All gates, each by its own name ("i" of "h1.i") where no other gate ends in the same. */
export function shortGateNames<G extends Gate>(gates: readonly G[]): (readonly [string, G])[] {
  const uses = new Map<string, number>();
  for (const { name } of gates) uses.set(shortName(name), (uses.get(shortName(name)) ?? 0) + 1);
  return gates.map((gate) => [uses.get(shortName(gate.name)) === 1 ? shortName(gate.name) : gate.name, gate] as const);
}

/** The gate of that whole, short or value's name. @throws SluiceError E458 */
export function gateNamed<G extends Gate>(network: { readonly name: string; readonly gates: readonly G[] }, name: string): G {
  const short = shortGateNames(network.gates);
  const found = network.gates.find((gate) => gate.name === name || gate.value === name) ?? short.find(([each]) => each === name)?.[1];
  if (found !== undefined) return found;
  throw new SluiceError("E458", `${network.name} has no gate ${name}; its gates are ${short.map(([each]) => each).join(", ") || "none"}`);
}
