/**
 * `--wide`: 256-bit vectors for all that this command computes, where the engine has them. Says what came of it; a refusal is a warning, never an error.
 */
import type { Command } from "commander";
import { useWideVectors } from "../runtime/wasm/wide.ts";
import type { Context } from "./command.ts";

export interface WideFlags {
  readonly wide?: boolean;
}

/** Adds the option to a command. */
export function addWideOption(command: Command): void {
  command.option("--wide", "256-bit vectors where the engine has them (an experiment of V8, checked first); the results have the same bits");
}

/** Turns wide vectors on if the user asked for them; to be called before anything is compiled. */
export function applyWide({ terminal }: Context, { wide }: WideFlags): void {
  if (!wide) return;
  const { joins, text } = useWideVectors();
  if (joins === undefined) terminal.complain(`${terminal.yellow("warning")} ${text}; going on without them`);
  else terminal.remark(terminal.dim(text));
}
