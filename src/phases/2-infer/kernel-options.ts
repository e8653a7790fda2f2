/**
 * What `where W : kernel 3, dilation 2` says of a kernel.
 *
 * In: the options of a name. Out: its taps, over time or over the space axes of a map; a number that cannot be is reported.
 */
import type { SpaceTaps } from "../../ir/network/equation.ts";
import type { WeightSymbol } from "./draft.ts";
import { numberOf, type Scope } from "./scope.ts";

export function kernelOf(scope: Scope, name: string): WeightSymbol["kernel"] {
  const options = scope.options.get(name)!;
  const read = (option: string, fallback: number, least = 1): readonly number[] => {
    const entry = options.get(option);
    if (!entry) return [fallback];
    const values = [entry.value, ...(entry.more ?? [])].map((value) => value && numberOf(value));
    if (values.every((value): value is number => value !== undefined && Number.isInteger(value) && value >= least && value <= 4096)) return values;
    scope.context.report.error("E209", entry.span, `the ${option} of ${name} is a whole number of at least ${least}`);
    return [fallback];
  };
  const counts = read("kernel", 1);
  const [dilations, strides, paddings] = [read("dilation", 1), read("stride", 1), read("padding", 0, 0)];
  const same = options.has("same");
  const depthwise = options.has("depthwise");
  if (counts.length === 1 && !options.has("space")) {
    const odd = ["stride", "padding"].find((option) => options.has(option));
    if (odd)
      scope.context.report.error(
        "E209",
        options.get(odd)!.span,
        `a convolution over time has no ${odd}; over space its kernel is \`3×3\`, or 3, space`,
      );
    return { count: counts[0], dilation: dilations[0], same, depthwise };
  }
  const space = counts.map((count, axis): SpaceTaps => {
    const at = (values: readonly number[]): number => values[axis] ?? values[0];
    const dilation = at(dilations);
    const reach = dilation * (count - 1);
    const padding = same ? ([Math.floor(reach / 2), Math.ceil(reach / 2)] as const) : ([at(paddings), at(paddings)] as const);
    return { count, dilation, stride: at(strides), padding };
  });
  return { count: 1, dilation: 1, same, depthwise, space };
}
