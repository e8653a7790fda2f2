/**
 * Addresses: every place of a program in one arena.
 *
 * What persists comes first. Scratch shares memory: two places overlap only if their lives do not meet. Greedy by size (the largest first, each at
 * the lowest free address), which is within a few percent of the best on such graphs.
 */
import type { Place } from "./access.ts";

const ALIGNMENT = 64;
const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** What the emitter may fill: behind the counters of threads, at the same address whatever else the program holds. */
export interface Reserved {
  readonly address: number;
  readonly bytes: number;
}

export interface Arena {
  readonly addresses: ReadonlyMap<Place, number>;
  readonly reserved: Reserved;
  readonly sizeBytes: number;
}

/** Lays out the places, behind `reservedBytes` that are none's. */
export function planMemory(places: readonly Place[], reservedBytes: number): Arena {
  const addresses = new Map<Place, number>();
  const reserved = { address: ALIGNMENT, bytes: reservedBytes };
  let end = ALIGNMENT + align(reservedBytes);
  for (const place of places) {
    if (!place.persistent) continue;
    addresses.set(place, end);
    end = align(end + 4 * place.elements);
  }
  const scratch = places
    .filter((place) => !place.persistent && place.live.to >= place.live.from)
    .sort((p, q) => q.elements - p.elements || p.id - q.id);
  const start = end;
  const placed: { place: Place; from: number; to: number }[] = [];
  for (const place of scratch) {
    const size = align(4 * place.elements);
    const rivals = placed
      .filter((other) => other.place.live.from <= place.live.to && place.live.from <= other.place.live.to)
      .sort((p, q) => p.from - q.from);
    let at = start;
    for (const rival of rivals) {
      if (rival.from - at >= size) break;
      at = Math.max(at, rival.to);
    }
    placed.push({ place, from: at, to: at + size });
    addresses.set(place, at);
    end = Math.max(end, at + size);
  }
  // Kernels may read, and never use, a few elements past a row that lies last.
  return { addresses, reserved, sizeBytes: end + ALIGNMENT };
}
