/** Phase 2, first half: syntax → network. */
import type { Diagnostic } from "../../support/diagnostic.ts";
import type { Source } from "../../support/source.ts";
import type { File } from "../../ir/syntax/node.ts";
import type { Network } from "../../ir/network/node.ts";
export interface InferOptions {
  readonly main?: string;
  readonly library?: Readonly<Record<string, File>>;
}
export declare function infer(file: File, source: Source, options?: InferOptions): { readonly diagnostics: readonly Diagnostic[]; readonly network?: Network };
