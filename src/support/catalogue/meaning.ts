/**
 * Catalogue of what is wrong with the meaning of a text: E1xx names, E2xx shapes, E3xx time. Reported by phase 2.
 */
import type { CatalogueEntry } from "./entry.ts";

export const MEANING = {} as const satisfies Record<string, CatalogueEntry>;
