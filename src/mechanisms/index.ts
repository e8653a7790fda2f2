/**
 * The standard mechanisms as equations with their citation: the library of blocks that any text may call by name.
 *
 * Each one is a .gate file of this folder and goes through the same compiler as a user's own text; nothing here knows how to compute one.
 * `texts.ts` is made from the files by scripts/mechanisms.mjs. Adding a mechanism is adding a file.
 */
import { MECHANISM_TEXTS } from "./texts.ts";

export type MechanismName = keyof typeof MECHANISM_TEXTS;

/** Name of each mechanism → its text: pass it as the `library` of `analyze`. */
export const MECHANISMS: Readonly<Record<MechanismName, string>> = MECHANISM_TEXTS;
