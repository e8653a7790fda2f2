/**
 * A mechanism of the library made ready to run: small sizes that differ, random arrays, every output and every gradient.
 *
 * In: a name or a text. Out: the network, a variant and arrays. Seeded, so that a failure can be repeated.
 */
import { analyze } from "../../src/compile.ts";
import type { Network, Size } from "../../src/ir/network/node.ts";
import type { Variant } from "../../src/ir/network/variant.ts";
import { MECHANISMS } from "../../src/mechanisms/index.ts";
import { shapeOf, sizeValue } from "../../src/model/sizes.ts";
import { createRandom } from "../../src/support/random.ts";
import { renderReport } from "../../src/support/report.ts";
import { setAhead } from "./random-subject.ts";

export interface MechanismSubject {
  readonly network: Network;
  readonly variant: Variant;
  readonly steps: number;
  readonly arrays: Map<string, Float64Array | Int32Array>;
}

/** Sizes in the order of the network: none is 1 or 2, so that no norm is a sign and no top-k takes all. Even ones where something is halved. */
const SIZES = [
  [3, 4, 5],
  [4, 6, 8],
] as const;

function sizesOf(network: Network): Record<string, number> {
  for (const choice of SIZES) {
    const sizes = Object.fromEntries(network.sizes.map(({ name, value }, i) => [name, value ?? choice[i % choice.length]]));
    const whole = (size: Size): boolean => Number.isInteger(sizeValue(size, sizes));
    if ([...network.weights, ...network.inputs, ...network.values].every(({ shape }) => shape.every(whole))) return sizes;
  }
  throw new Error(`no sizes for ${network.name}`);
}

export function networkOf(name: string, text: string): Network {
  const source = { name: `${name}.gate`, text };
  const { network, diagnostics } = analyze(source, { library: MECHANISMS });
  if (network === undefined) throw new Error(renderReport(diagnostics, source));
  return network;
}

export function mechanismSubject(name: string, text: string, steps = 4): MechanismSubject {
  const network = networkOf(name, text);
  const random = createRandom(name.length + text.length);
  const sizes = sizesOf(network);
  const batch = 2;
  const variant: Variant = {
    sizes,
    batch,
    mode: "evaluate",
    initial: "fresh",
    lengths: false,
    reset: false,
    outputs: network.outputs,
    gradient: { of: "cotangents", inputs: network.inputs.filter(({ type }) => type === "real").map((input) => input.name) },
  };
  const drawn = (shape: readonly number[], deviation: number): Float64Array =>
    Float64Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () => Math.fround(random.normal(0, deviation)));
  const arrays = new Map<string, Float64Array | Int32Array>();
  for (const { name: weight, shape } of network.weights) {
    const concrete = shapeOf(shape, sizes, weight);
    arrays.set(weight, drawn(concrete, concrete.length > 1 ? 1 / Math.sqrt(concrete.at(-1)!) : 0.5));
  }
  for (const input of network.inputs) {
    const concrete = [...(input.perStep ? [steps] : []), ...(input.perExample ? [batch] : []), ...shapeOf(input.shape, sizes, input.name)];
    const values = drawn(concrete, 1);
    const range = input.range === undefined ? 1 : sizeValue(input.range, sizes)!;
    arrays.set(input.name, input.type === "real" ? values : Int32Array.from(values, () => random.integer(range)));
  }
  for (const output of network.outputs) {
    const { indices, shape } = network.equations.find((each) => each.name === output)!;
    const ranges = indices
      .map((name) => network.indices.find((index) => index.name === name)!.size)
      .map((size) => (size ? sizeValue(size, sizes)! : steps));
    arrays.set(`cotangent:${output}`, drawn([steps, batch, ...ranges, ...shapeOf(shape, sizes, output)], 1));
  }
  setAhead(arrays, network, steps);
  return { network, variant, steps, arrays };
}
