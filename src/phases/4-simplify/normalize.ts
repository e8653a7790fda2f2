/**
 * The forms that gradients should be taken of: careful forms (careful.ts), masks in their place (masks.ts), normalised rows (rows.ts), work of statics outside of
 * recurrences (statics.ts), long delays in one (delays.ts), linear recurrences by chunks of time steps (chunks/), convolutions over time in their minimal form (filtering/).
 *
 * In: a graph without gradients, as phase 2 built it. Out: a graph that means the same; the same graph if there is nothing to do. Everything else is left to
 * `simplify`, after gradients were added. Memory orders of inner values may change; those of the outputs stay.
 */
import type { Graph } from "../../ir/tensor/node.ts";
import { type Firing, rewrite } from "../../ir/tensor/rewrite.ts";
import { chunk, type ChunkOptions } from "./chunks/chunk.ts";
import { carefulForms } from "./careful.ts";
import { joinDelays } from "./delays.ts";
import { filter, type FilterOptions } from "./filtering/filter.ts";
import { maskForms } from "./masks.ts";
import { rowForms } from "./rows.ts";
import { hoistStatics } from "./statics.ts";

const forms = [...carefulForms, ...maskForms, ...rowForms];

/**
 * @param chunks if given, recurrences that are linear in a matrix state go by chunks of time steps (chunks/chunk.ts)
 * @param filters if given, convolutions over time take fewer multiplications (filtering/filter.ts)
 */
export function normalize(graph: Graph, chunks?: ChunkOptions, filters?: FilterOptions): { graph: Graph; trace: readonly Firing[] } {
  const result = rewrite(graph, forms);
  const trace = [...result.trace];
  const normal = joinDelays(hoistStatics(trace.length === 0 ? graph : result.graph, trace), trace);
  const chunked = chunks ? chunk(normal, chunks, trace) : normal;
  return { graph: filters ? filter(chunked, filters, trace) : chunked, trace };
}
