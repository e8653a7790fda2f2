/**
 * From text to a network that models can be made of.
 *
 * In: equations. Out: `Compiled`, with its diagnostics as values. Never throws for a text; using a text with errors throws its report.
 */
import { analyze, convertLatex } from "../compile.ts";
import type { Network } from "../ir/network/node.ts";
import { MECHANISMS } from "../mechanisms/index.ts";
import type { File } from "../ir/syntax/node.ts";
import { type Diagnostic, SluiceError } from "../support/diagnostic.ts";
import { checkOptions, type OptionNames, requireKind } from "../support/options.ts";
import { renderReport } from "../support/report.ts";
import type { Source } from "../support/source.ts";

export interface CompileTextOptions {
  /** Name of the main block; the last of the file unless given. */
  readonly main?: string;
  /** Texts of blocks that may be called by name (default: the standard mechanisms). */
  readonly library?: Readonly<Record<string, string>>;
}

/** A text that went through the front of the compiler. */
export interface Compiled {
  readonly source: Source;
  readonly file: File;
  readonly diagnostics: readonly Diagnostic[];
  /** True if there is no error. */
  readonly ok: boolean;
  /** Absent if there is any error. */
  readonly network?: Network;
  readonly options: CompileTextOptions;
  /** Every diagnostic drawn with its place, for people; "" if there is none. */
  report(): string;
}

const COMPILE_OPTIONS: OptionNames<CompileTextOptions> = { main: true, library: true };

/** Reads equations: parses, resolves names, infers shapes and gates. Mistakes are in `diagnostics`. @throws SluiceError E462 for what is no text, or options */
export function compile(text: string | Source, given: CompileTextOptions = {}): Compiled {
  checkOptions("compile", given, COMPILE_OPTIONS);
  const options = { main: given.main, library: given.library ?? MECHANISMS };
  const source = sourceOf(text, "<equations>");
  const analysis = analyze(source, options);
  return {
    source,
    file: analysis.file,
    diagnostics: analysis.diagnostics,
    ok: analysis.network !== undefined,
    network: analysis.network,
    options,
    report: () => renderReport(analysis.diagnostics, source),
  };
}

function sourceOf(text: string | Source, name: string): Source {
  if (typeof text === "string") return { name, text };
  requireKind(typeof text?.text === "string", name, "a text, or { name, text }", text);
  return text;
}

/** The network of a text. @throws SluiceError with the report if the text has errors */
export function networkOf(compiled: Compiled): Network {
  requireKind(Array.isArray(compiled?.diagnostics), "the equations", "compiled first, compile(text)", compiled);
  if (compiled.network !== undefined) return compiled.network;
  const code = compiled.diagnostics.find((diagnostic) => diagnostic.severity === "error")?.code ?? "E000";
  throw new SluiceError(code, compiled.report(), compiled.diagnostics);
}

/** LaTeX as equations of this language. */
export interface ReadLatex {
  /** The LaTeX itself. */
  readonly original: string;
  /** Canonical text; an equation that could not be read is a comment in it. */
  readonly text: string;
  /** W002: not understood and left out. W003: a guess. Their places are in the LaTeX. */
  readonly notes: readonly Diagnostic[];
  /** The notes drawn with their places; "" if there is none. */
  report(): string;
}

/** Reads equations pasted from a paper's LaTeX; side by side means product there. Compile its `text`. Never throws for a text. */
export function fromLatex(latex: string | Source): ReadLatex {
  const source = sourceOf(latex, "<latex>");
  const { text, notes } = convertLatex(source);
  return { original: source.text, text, notes, report: () => renderReport(notes, source) };
}
