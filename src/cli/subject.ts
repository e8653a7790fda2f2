/**
 * What the user names on the command line: a file of equations, a standard mechanism, a model file, or `-` for standard input.
 *
 * In: one word. Out: compiled equations (with the standard mechanisms as library) or a loaded model. A name that is nothing of these gets a
 * message with the nearest thing that exists.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { MECHANISMS } from "../mechanisms/index.ts";
import { type Compiled, compile, fromLatex, networkOf, type ReadLatex } from "../model/compiled.ts";
import { loadModel, type Model } from "../model/model.ts";
import { SluiceError } from "../support/diagnostic.ts";
import type { Source } from "../support/source.ts";
import { nearestWord } from "../support/text.ts";
import { readBytes, readText } from "./files.ts";

const MECHANISM_NAMES = Object.keys(MECHANISMS);

/** True for the name of a standard mechanism ("lstm", "peephole-lstm"). */
export function mechanismText(name: string): string | undefined {
  const key = name.replaceAll("-", "_");
  return Object.hasOwn(MECHANISMS, key) ? MECHANISMS[key as keyof typeof MECHANISMS] : undefined;
}

/** Equations as the user gave them; from LaTeX, what was made of it is beside them. */
export interface Equations {
  readonly source: Source;
  readonly latex?: ReadLatex;
}

/**
 * Equations of a file, of a mechanism, or of standard input. A file whose name ends in `.tex`, and standard input with commands of LaTeX, is read as LaTeX.
 * @throws SluiceError E468, E481 … E483, E485
 */
export function readEquations(subject: string): Equations {
  const source = readGiven(subject);
  if (!isLatex(subject, source.text)) return { source };
  const latex = fromLatex({ name: source.name, text: source.text });
  return { source: { name: `${source.name}, as equations`, text: latex.text }, latex };
}

/** Text of equations. @throws SluiceError E468, E481 … E483, E485; E486 if a part of a file of LaTeX was not understood */
export function readSource(subject: string): Source {
  const { source, latex } = readEquations(subject);
  const missing = latex?.notes.filter(({ code }) => code === "W002").length;
  if (missing)
    throw new SluiceError(
      "E486",
      `${missing} ${missing === 1 ? "place" : "places"} of ${subject} could not be read; see them with: sluice check ${subject}`,
    );
  return source;
}

function isLatex(subject: string, text: string): boolean {
  return subject.endsWith(".tex") || (subject === "-" && /\\(?:begin|sigma|odot|circ|frac|tanh|mathbf|mathrm|left|tilde|text)\b/.test(text));
}

function readGiven(subject: string): Source {
  if (subject === "-") return { name: "<stdin>", text: readFileSync(0, "utf8") };
  const isFile = existsSync(subject) && !statSync(subject).isDirectory();
  if (!isFile) {
    // A folder may have the name of a mechanism: `sluice new` makes such.
    const text = mechanismText(subject);
    if (text !== undefined) return { name: `${subject.replaceAll("_", "-")}.gate`, text };
  }
  if (!existsSync(subject) && !/[./\\]/.test(subject)) {
    const near = nearestWord(subject, MECHANISM_NAMES);
    throw new SluiceError(
      "E485",
      `there is no file and no mechanism ${subject}; ${near ? `did you mean ${near}?` : `the mechanisms are ${MECHANISM_NAMES.join(", ")}`}`,
    );
  }
  return { name: subject, text: readText(subject) };
}

/** Compiles what the user named; errors stay in the result. A model file gives its own equations. */
export function compileSubject(subject: string, main?: string): Compiled {
  if (isModelFile(subject)) return readModel(subject).compiled;
  return compileText(readSource(subject), main);
}

/** Compiles a text with the standard mechanisms as library. */
export function compileText(source: Source | string, main?: string): Compiled {
  return compile(source, { main });
}

/** Compiles what the user named. @throws SluiceError with the report if it has errors */
export function requireCompiled(subject: string, main?: string): Compiled {
  const compiled = compileSubject(subject, main);
  networkOf(compiled);
  return compiled;
}

export function isModelFile(path: string): boolean {
  return path.endsWith(".safetensors");
}

/** Loads a model file. @throws SluiceError if it cannot be read, or is not a model of Sluice */
export function readModel(path: string): Model {
  if (!isModelFile(path) && (path.endsWith(".gate") || path.endsWith(".tex") || mechanismText(path) !== undefined)) {
    throw new SluiceError("E486", `${path} holds equations, but this command needs a trained model; make one with: sluice train ${path} --data FILE`);
  }
  return loadModel(readBytes(path), { name: path });
}
