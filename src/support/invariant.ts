/**
 * Our own mistakes. A failed invariant is a bug in Sluice, never a message for the author of an equation.
 */

/** Thrown when Sluice contradicts itself; the text asks the reader to report it. */
export class InternalError extends Error {
  override readonly name = "InternalError";
}

/** @throws InternalError if the condition is false. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InternalError(`internal error: ${message} (this is a bug in Sluice, please report it)`);
}

/** Marks a case that the types exclude. */
export function unreachable(value: never): never {
  throw new InternalError(`internal error: unexpected ${JSON.stringify(value)} (this is a bug in Sluice, please report it)`);
}
