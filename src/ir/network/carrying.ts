/**
 * Whether a network can stop after some steps and go on later with nothing but its states.
 */
import { visitTerm } from "./equation.ts";
import type { Network } from "./node.ts";

/** Why states cannot be carried from one run to the next, naming what the author wrote; undefined if they can. */
export function whyNotCarried(network: Network): string | undefined {
  const backward = network.recurrences.find((recurrence) => recurrence.direction === "backward");
  if (backward) return `${backward.names[0]} runs backwards in time, so it needs the end of the sequence first`;
  let centred: string | undefined;
  let later: string | undefined;
  for (const equation of network.equations) {
    visitTerm(equation.value, (term) => {
      if (term.kind === "convolution" && term.taps.offset < 0) centred ??= equation.name;
      if (term.kind === "value" && term.lag < 0) later ??= `${equation.name} reads a later step of ${term.name}`;
    });
  }
  if (centred !== undefined) return `the centred convolution in ${centred} reads later steps`;
  if (later !== undefined) return later;
  const time = network.indices.find((index) => index.kind === "time");
  return time && `sums over ${time.name} reach back over the whole sequence`;
}
