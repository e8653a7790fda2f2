/**
 * Where each weight lies in the flat array of all trained numbers.
 */
import type { Network, WeightDeclaration } from "../ir/network/node.ts";
import { SluiceError } from "../support/diagnostic.ts";
import { type Sizes, shapeOf } from "./sizes.ts";

/** One weight's place in the flat array. */
export interface ParameterSlot {
  readonly name: string;
  readonly offset: number;
  readonly length: number;
  readonly shape: readonly number[];
  readonly declaration: WeightDeclaration;
}

/** What the 4 GiB of a WebAssembly memory can hold at the very most. */
const greatestCount = 2 ** 30;

/** The weights of a network side by side, in the order of `network.weights`, row-major. @throws SluiceError E450, E472 (too many for any memory) */
export function parameterLayout(network: Network, sizes: Sizes): { readonly slots: readonly ParameterSlot[]; readonly count: number } {
  const slots: ParameterSlot[] = [];
  let offset = 0;
  for (const declaration of network.weights) {
    const shape = shapeOf(declaration.shape, sizes, `the weight ${declaration.name}`);
    const length = shape.reduce((a, b) => a * b, 1);
    slots.push({ name: declaration.name, offset, length, shape, declaration });
    offset += length;
  }
  if (offset > greatestCount)
    throw new SluiceError("E472", `${network.name} would have ${offset.toExponential(1)} weights with these sizes; use smaller sizes`);
  return { slots, count: offset };
}
