/**
 * What the user names on the command line: a file of equations, a standard mechanism, a model file, or `-` for standard input.
 *
 * In: one word. Out: compiled equations (with the standard mechanisms as library) or a loaded model. A name that is nothing of these gets a
 * message with the nearest thing that exists.
 */
import { existsSync, readFileSync } from "node:fs";
import { MECHANISMS } from "../mechanisms/index.ts";
import { type Compiled, compile, networkOf } from "../model/compiled.ts";
import { loadModel, type Model } from "../model/model.ts";
import { SluiceError } from "../support/diagnostic.ts";
import type { Source } from "../support/source.ts";
import { nearestName } from "../train/data/checks.ts";
import { readBytes, readText } from "./files.ts";

const MECHANISM_NAMES = Object.keys(MECHANISMS);

/** True for the name of a standard mechanism ("lstm", "peephole-lstm"). */
export function mechanismText(name: string): string | undefined {
  const key = name.replaceAll("-", "_");
  return Object.hasOwn(MECHANISMS, key) ? MECHANISMS[key as keyof typeof MECHANISMS] : undefined;
}

/** Text of a file of equations, of a mechanism, or of standard input. @throws SluiceError E468, E481 … E483, E485 */
export function readSource(subject: string): Source {
  if (subject === "-") return { name: "<stdin>", text: readFileSync(0, "utf8") };
  if (!existsSync(subject)) {
    const text = mechanismText(subject);
    if (text !== undefined) return { name: `${subject.replaceAll("_", "-")}.gate`, text };
    if (!/[./\\]/.test(subject)) {
      const near = nearestName(subject, MECHANISM_NAMES);
      throw new SluiceError(
        "E485",
        `there is no file and no mechanism ${subject}${near ? `; did you mean ${near}?` : ""}\nmechanisms: ${MECHANISM_NAMES.join(", ")}`,
      );
    }
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
  if (!isModelFile(path) && (path.endsWith(".gate") || (!existsSync(path) && mechanismText(path) !== undefined))) {
    throw new SluiceError("E486", `${path} holds equations, but this command needs a trained model; make one with: sluice train ${path} --data FILE`);
  }
  return loadModel(readBytes(path), { name: path });
}
