/**
 * Brings the files of an export together: fetches what it was not given, compiles the code, opens the model.
 */
import { type Resource, resourceBytes } from "../../runtime/resource.ts";
import { compileAhead } from "../../runtime/wasm/module-cache.ts";
import { SluiceError } from "../../support/diagnostic.ts";
import { checkOptions } from "../../support/options.ts";
import type { ExportDescription } from "./description.ts";
import { type ExportedModel, openExported } from "./open.ts";

export interface LoadExportedOptions {
  /** Files by name, where they do not lie beside the module: bytes, responses or addresses. */
  readonly files?: Readonly<Record<string, Resource>>;
}

/**
 * The model of an export, ready to run.
 * @throws SluiceError E468 (a file cannot be had), E470 (weights of another export), E477 (the code is no WebAssembly)
 */
export async function loadExported(
  description: ExportDescription,
  beside: Readonly<Record<string, URL>>,
  options: LoadExportedOptions = {},
): Promise<ExportedModel> {
  checkOptions("load", options, { files: true });
  const { files = {} } = options;
  const unknown = Object.keys(files).find((name) => !Object.hasOwn(beside, name));
  if (unknown !== undefined) throw new SluiceError("E462", `this export has no file ${unknown}; its files are ${Object.keys(beside).join(", ")}`);
  const names = Object.keys(beside);
  const bytes = await Promise.all(names.map((name) => resourceBytes(files[name] ?? beside[name], name)));
  const found = new Map(names.map((name, i) => [name, bytes[i]]));
  await Promise.all(description.programs.map(({ file }) => compileFile(file, found.get(file)!)));
  return openExported(description, (file) => found.get(file)!, found.get(description.weights.file)!);
}

async function compileFile(file: string, code: Uint8Array): Promise<void> {
  try {
    await compileAhead(code);
  } catch (cause) {
    throw new SluiceError("E470", `${file} is not the code of this export, or this engine has no WebAssembly SIMD: ${messageOf(cause)}`, [], {
      cause,
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
