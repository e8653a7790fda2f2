/** The runtime of exported models as a script that defines `sluice`; built from src/inference.ts and set when the command line is bundled. */
import { SluiceError } from "../support/diagnostic.ts";

declare const SLUICE_INFERENCE: string | undefined;

/** @throws SluiceError E466 where the command line runs unbundled and nobody set it */
export function inferenceText(): string {
  if (typeof SLUICE_INFERENCE === "string") return SLUICE_INFERENCE;
  throw new SluiceError("E466", "the runtime of exports is bundled into the built command line; run npm run build, and dist/cli/main.js");
}
