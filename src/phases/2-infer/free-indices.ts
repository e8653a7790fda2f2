/**
 * Which indices a value depends on.
 *
 * In: a term. Out: the paths of indices that it reads and no sum in it consumes. Never looks at shapes.
 */
import type { Draft } from "./draft.ts";

/** Indices that a term depends on and does not consume. */
export function freeIndices(term: Draft, found = new Set<string>()): Set<string> {
  switch (term.kind) {
    case "value":
      for (const index of term.indices) found.add(index);
      return found;
    case "counter":
      return found.add(term.index);
    case "moment":
    case "component":
      freeIndices(term.operand, found);
      return found.add(term.index);
    case "reduction": {
      const inner = freeIndices(term.body);
      if (term.after) inner.add(term.after);
      if (term.op === "softmax") inner.add(term.index);
      else inner.delete(term.index);
      for (const index of inner) found.add(index);
      return found;
    }
    case "collection":
      for (const index of freeIndices(term.operand)) if (!term.indices.includes(index)) found.add(index);
      return found;
    case "unary":
    case "absolute":
    case "element":
      return freeIndices(term.operand, found);
    case "lookup":
      return freeIndices(term.index, freeIndices(term.operand, found));
    case "binary":
      return freeIndices(term.right, freeIndices(term.left, found));
    case "convolution":
    case "blockwise":
      return freeIndices(term.operand, freeIndices(term.kernel, found));
    case "call":
      for (const arg of term.args) freeIndices(arg, found);
      return found;
    case "concatenation":
      for (const part of term.parts) freeIndices(part, found);
      return found;
    default:
      return found;
  }
}
