/**
 * Numbers to be taken smallest first, each once however often it is added.
 *
 * In: numbers. Out: the same in order. A binary heap: adding and taking cost the logarithm of how many wait.
 */

export interface Worklist {
  add(item: number): void;
  /** The smallest, which waits no longer; undefined if none does. */
  take(): number | undefined;
  size(): number;
}

export function worklist(): Worklist {
  const heap: number[] = [];
  const waiting = new Set<number>();
  return {
    size: () => heap.length,
    add(item) {
      if (waiting.has(item)) return;
      waiting.add(item);
      let at = heap.push(item) - 1;
      for (let above = (at - 1) >> 1; at > 0 && heap[above] > item; above = (at - 1) >> 1) {
        heap[at] = heap[above];
        at = above;
      }
      heap[at] = item;
    },
    take() {
      const [least] = heap;
      if (least === undefined) return undefined;
      waiting.delete(least);
      const item = heap.pop()!;
      if (heap.length === 0) return least;
      let at = 0;
      for (let below = 1; below < heap.length; below = 2 * at + 1) {
        if (below + 1 < heap.length && heap[below + 1] < heap[below]) below++;
        if (heap[below] >= item) break;
        heap[at] = heap[below];
        at = below;
      }
      heap[at] = item;
      return least;
    },
  };
}
