/**
 * What all commands share: `--json` and `--quiet`, a terminal, exit codes, and how an error reaches the user.
 *
 * In: the definition of a command. Out: a commander command whose action ends in an exit code. A command returns its code or throws; it never
 * calls process.exit and never catches what it cannot mend.
 */
import { Command } from "commander";
import { SluiceError } from "../support/diagnostic.ts";
import { EXIT } from "./exit-code.ts";
import { createTerminal, type Terminal } from "./terminal.ts";

export interface Context {
  readonly terminal: Terminal;
  /** True if the user asked for JSON on stdout. */
  readonly json: boolean;
  /** Writes one JSON document to stdout. Typed arrays become arrays. */
  emit(value: unknown): void;
  /** Aborted by the first Ctrl-C; a second one ends the process at once. */
  readonly signal: AbortSignal;
}

export interface CommandDefinition<O> {
  readonly name: string;
  /** `<file>` and `[more...]` in commander's spelling. */
  readonly arguments?: string;
  readonly summary: string;
  /** Lines of examples, printed under the options. */
  readonly examples: readonly string[];
  /** Adds the command's own options. */
  options?(command: Command): void;
  run(context: Context, args: readonly string[], options: O): Promise<number> | number;
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** The streams of a process, or of a test. */
export interface Session {
  readonly terminal?: (options: { json: boolean; quiet: boolean }) => Terminal;
  /** In the place of Ctrl-C. */
  readonly signal?: AbortSignal;
  exit(code: number): void;
}

/** Makes the commander command of a definition. */
export function createCommand<O extends object>(definition: CommandDefinition<O>, session: Session): Command {
  const command = new Command(definition.name).summary(definition.summary).description(definition.summary).allowExcessArguments(false);
  if (definition.arguments) command.arguments(definition.arguments);
  definition.options?.(command);
  command.option("--json", "print one JSON document instead of text").option("--quiet", "print results only, no progress and no remarks");
  command.addHelpText("after", `\nExamples:\n${definition.examples.map((example) => `  ${example}`).join("\n")}`);
  command.action(async (...given: unknown[]) => {
    const options = given[given.length - 2] as O & { json?: boolean; quiet?: boolean };
    const args = given.slice(0, -2).flatMap((value) => (value === undefined ? [] : (value as string | string[])));
    const flags = { json: Boolean(options.json), quiet: Boolean(options.quiet) };
    const terminal = session.terminal?.(flags) ?? createTerminal(flags);
    const interruption = new AbortController();
    const onSignal = (): void => {
      if (interruption.signal.aborted) process.exit(EXIT.interrupted);
      interruption.abort();
    };
    if (session.signal === undefined) for (const name of SIGNALS) process.on(name, onSignal);
    const context: Context = {
      terminal,
      json: flags.json,
      emit: (value) => terminal.print(JSON.stringify(value, jsonValue, 2)),
      signal: session.signal ?? interruption.signal,
    };
    try {
      session.exit(await definition.run(context, args, options));
    } catch (error) {
      terminal.settle();
      if (context.signal.aborted && isAbort(error)) return session.exit(reportInterruption(context));
      session.exit(reportError(context, error));
    } finally {
      for (const name of SIGNALS) process.off(name, onSignal);
    }
  });
  return command;
}

/** Typed arrays as arrays, what is no number as text (JSON has no NaN). */
export function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (value instanceof Float32Array || value instanceof Float64Array || value instanceof Int32Array) return Array.from(value);
  if (value instanceof Map) return Object.fromEntries(value);
  return value;
}

/** A wrong use of the command line, with its cure. */
export function usageError(message: string): SluiceError {
  return new SluiceError("E490", message);
}

/** True for what an aborted signal throws. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

function reportInterruption(context: Context): number {
  if (context.json) context.emit({ interrupted: true });
  else context.terminal.complain("interrupted");
  return EXIT.interrupted;
}

/** Tells the user about an error and returns the exit code for it. */
export function reportError(context: Context, error: unknown): number {
  const { terminal } = context;
  const code = exitCodeOf(error);
  const sluice = error instanceof SluiceError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  if (context.json) {
    context.emit({ error: { code: sluice?.code ?? "internal", message, diagnostics: sluice?.diagnostics ?? [] } });
    return code;
  }
  if (sluice !== undefined && sluice.diagnostics.length > 0) terminal.complain(message.trimEnd());
  else terminal.complain(`${terminal.red("error")} ${sluice ? `${sluice.code}  ` : ""}${message}`);
  if (code === EXIT.internal) {
    terminal.complain("This is a bug in Sluice. Please report it with the command and the files that led to it.");
    terminal.complain(process.env.SLUICE_DEBUG && error instanceof Error ? String(error.stack) : "SLUICE_DEBUG=1 shows where it happened.");
  }
  return code;
}

function exitCodeOf(error: unknown): number {
  if (!(error instanceof SluiceError)) return EXIT.internal;
  if (error.code === "E490") return EXIT.usage;
  return ["E467", "E468"].includes(error.code) ? EXIT.files : EXIT.content;
}

/** Reads a number that an option must be. @throws SluiceError E490 */
export function numberOption(name: string, range: { readonly least?: number; readonly most?: number; readonly whole?: boolean } = {}) {
  return (text: string): number => {
    const value = Number(text);
    const { least = -Infinity, most = Infinity, whole = false } = range;
    if (text.trim() === "" || Number.isNaN(value) || value < least || value > most || (whole && !Number.isInteger(value))) {
      const wanted = `a ${whole ? "whole " : ""}number${least > -Infinity ? ` of at least ${least}` : ""}${most < Infinity ? ` and at most ${most}` : ""}`;
      throw usageError(`${name} must be ${wanted}, not “${text}”`);
    }
    return value;
  };
}

/** Collects `--size H=12 --size D=3` (or `H=12,D=3`). @throws SluiceError E490 */
export function sizeOption(text: string, before: Readonly<Record<string, number>> = {}): Readonly<Record<string, number>> {
  const sizes: Record<string, number> = { ...before };
  for (const part of text.split(",")) {
    const [name, value] = part.split("=").map((word) => word.trim());
    if (!name || !/^[1-9]\d*$/.test(value ?? "")) throw usageError(`--size takes NAME=NUMBER, for example H=12, not “${part}”`);
    sizes[name] = Number(value);
  }
  return sizes;
}
