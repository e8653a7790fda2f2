/**
 * Phase 2 for a text that the parser found mistakes in: which further mistakes are certain.
 *
 * In: a file with what could be read, and the parser's diagnostics. Out: diagnostics of the lines that were read, and only those that no unread line could
 * take back: a value that could not be read stands for one of any shape, and what is left out makes nothing wrong. Never a network.
 */
import type { Block, Definition, File, Item } from "../../ir/syntax/node.ts";
import type { Diagnostic } from "../../support/diagnostic.ts";
import type { Source, Span } from "../../support/source.ts";
import { type InferOptions, infer } from "./infer.ts";

/** Certain whatever the lines say that were not read. */
const OF_A_LINE: ReadonlySet<string> = new Set(["E101", "E104", "E107", "E108", "E128"]);
/** Certain if every name and every declaration is known: two uses contradict each other. */
const OF_ALL_NAMES: ReadonlySet<string> = new Set([...OF_A_LINE, "E105", "E106", "E201", "E202", "E203", "E302", "E305"]);
/** Begins names that nobody can write. */
const UNREAD = "\u0000";

/** Mistakes of phase 2 that do not follow from the mistakes of syntax. */
export function inferDamaged(file: File, source: Source, options: InferOptions, syntax: readonly Diagnostic[]): readonly Diagnostic[] {
  const places = syntax.filter(({ severity }) => severity === "error").map(({ span }) => span);
  const isDamaged = (span: Span): boolean => places.some((place) => place.start <= span.end && place.end >= span.start);
  const notRead = places.map(({ start }) => lineAt(source.text, start)).join("\n");
  const isHeaderDamaged = /→|->/u.test(notRead) || file.blocks.some(({ header }) => header && isDamaged(header.span));
  if (isHeaderDamaged) return [];
  let unread = 0;
  const repaired = new Set<Span>();
  const repair = (item: Item): readonly Item[] => {
    if (item.kind === "comment" || !isDamaged(item.span)) return [item];
    if (item.kind === "where") return [];
    repaired.add(item.span);
    const value: Definition["value"] = { kind: "name", span: item.value.span, name: `${UNREAD}${unread++}` };
    return [{ ...item, value }];
  };
  const blocks: Block[] = file.blocks.map((block) => ({ ...block, items: block.items.flatMap(repair) }));
  if (!blocks.every(({ items }) => items.some(({ kind }) => kind === "definition"))) return [];
  const isWholeLine = places.every((place) => [...repaired].some((span) => place.start <= span.end && place.end >= span.start));
  const certain = isWholeLine ? OF_ALL_NAMES : OF_A_LINE;
  return infer({ ...file, blocks }, source, options).diagnostics.filter((diagnostic) => {
    if (!certain.has(diagnostic.code) || JSON.stringify(diagnostic).includes(JSON.stringify(UNREAD).slice(1, -1))) return false;
    if (diagnostic.code !== "E101" && isDamaged(diagnostic.span)) return false;
    const named = source.text.slice(diagnostic.span.start, diagnostic.span.end);
    return diagnostic.code !== "E104" || !notRead.includes(named); // a block of this name may begin on a line that was not read
  });
}

function lineAt(text: string, at: number): string {
  const end = text.indexOf("\n", at);
  return text.slice(text.lastIndexOf("\n", at - 1) + 1, end < 0 ? text.length : end);
}
