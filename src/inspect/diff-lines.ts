/**
 * Differences between two texts, line by line: what `explain --diff` shows between two phases.
 *
 * In: two lists of lines. Out: kept, removed and added lines in order. @source Myers 1986, the greedy algorithm.
 */

export interface LineChange {
  readonly kind: "same" | "removed" | "added";
  readonly line: string;
}

/** The shortest list of removals and additions that makes `after` of `before`. */
export function diffLines(before: readonly string[], after: readonly string[]): LineChange[] {
  const limit = before.length + after.length;
  const trail: Map<number, number>[] = [];
  let reached = new Map<number, number>([[1, 0]]);
  for (let edits = 0; edits <= limit; edits++) {
    const next = new Map(reached);
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const down = diagonal === -edits || (diagonal !== edits && at(reached, diagonal - 1) < at(reached, diagonal + 1));
      let x = down ? at(reached, diagonal + 1) : at(reached, diagonal - 1) + 1;
      let y = x - diagonal;
      while (x < before.length && y < after.length && before[x] === after[y]) {
        x++;
        y++;
      }
      next.set(diagonal, x);
      if (x >= before.length && y >= after.length) return unwind(before, after, [...trail, reached], edits);
    }
    trail.push(reached);
    reached = next;
  }
  return [];
}

const at = (reached: ReadonlyMap<number, number>, diagonal: number): number => reached.get(diagonal) ?? -1;

/** Walks back from the end through the furthest points of each number of edits. */
function unwind(before: readonly string[], after: readonly string[], trail: readonly ReadonlyMap<number, number>[], edits: number): LineChange[] {
  const changes: LineChange[] = [];
  let x = before.length;
  let y = after.length;
  for (let depth = edits; depth >= 0; depth--) {
    const reached = trail[depth];
    const diagonal = x - y;
    const down = diagonal === -depth || (diagonal !== depth && at(reached, diagonal - 1) < at(reached, diagonal + 1));
    const previous = down ? diagonal + 1 : diagonal - 1;
    const fromX = depth === 0 ? 0 : at(reached, previous);
    const fromY = depth === 0 ? 0 : fromX - previous;
    const startX = depth === 0 ? 0 : down ? fromX : fromX + 1;
    while (x > startX && y > startX - diagonal) {
      x--;
      y--;
      changes.push({ kind: "same", line: before[x] });
    }
    if (depth > 0) changes.push(down ? { kind: "added", line: after[fromY] } : { kind: "removed", line: before[fromX] });
    x = fromX;
    y = fromY;
  }
  return changes.reverse();
}

/** Lines with `-`, `+` and blanks before them; stretches of more than `context` same lines are left out. */
export function drawDiff(changes: readonly LineChange[], context = 2): string[] {
  const near = changes.map((_, i) => changes.slice(Math.max(0, i - context), i + context + 1).some((change) => change.kind !== "same"));
  const lines: string[] = [];
  changes.forEach((change, i) => {
    if (near[i]) lines.push(`${{ same: " ", removed: "-", added: "+" }[change.kind]} ${change.line}`);
    else if (i === 0 || near[i - 1]) lines.push("  …");
  });
  return lines;
}
