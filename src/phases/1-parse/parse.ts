/**
 * Phase 1: text → syntax tree.
 *
 * In: a source. Out: the file, always, with everything that could be read, and one diagnostic for every mistake. Never throws, for any text, and takes
 * time linear in its length. Knows no meaning: which names are weights, functions or blocks is phase 2's business.
 */
import { skeleton } from "../../ir/syntax/names.ts";
import type { Block, Comment, File, Item } from "../../ir/syntax/node.ts";
import type { Diagnostic } from "../../support/diagnostic.ts";
import type { Source, Span } from "../../support/source.ts";
import type { Context } from "./cursor.ts";
import { lex, type Token } from "./lex.ts";
import { type LineComment, type LineEntry, splitLines } from "./lines.ts";
import { declaredIndices } from "./parse-declarations.ts";
import { parseLine } from "./parse-line.ts";
import { createReporter, type Reporter } from "./report-syntax.ts";

/** Parses a text. The file is meant to be used further only if no diagnostic is an error; until then it serves editors. */
export function parse(source: Source): { file: File; diagnostics: readonly Diagnostic[] } {
  const reporter = createReporter();
  const tokens = lex(source.text, reporter);
  const context: Context = { text: source.text, reporter, indices: declaredIndices(tokens), names: new Map() };
  const blocks = readBlocks(context, splitLines(tokens, reporter), source.text);
  reportLookAlikes(context);
  return { file: { kind: "file", span: { start: 0, end: source.text.length }, blocks }, diagnostics: reporter.finish() };
}

interface OpenBlock {
  readonly header?: Block["header"];
  readonly documentation: readonly string[];
  readonly start: number;
  readonly items: Item[];
  end: number;
}

function readBlocks(context: Context, entries: readonly LineEntry[], text: string): Block[] {
  const { reporter } = context;
  const blocks: Block[] = [];
  let open: OpenBlock | undefined;
  let comments: LineComment[] = []; // not yet known to be documentation or part of a block
  let sawAnything = false;
  let strayEnd = -1;

  const close = (): void => {
    if (!open) return;
    if (open.header && !open.items.some((item) => item.kind === "definition") && !sawAnything) {
      reporter.error("E016", open.header.span, `the block \`${shorten(text, open.header.name.span)}\` has no equations`);
    }
    if (!open.header) strayEnd = open.end;
    blocks.push(closeBlock(open));
    open = undefined;
  };
  const keep = (token: Token): void => {
    if (open) {
      open.items.push(commentOf(token));
      open.end = token.end;
    }
  };

  for (const entry of entries) {
    if (entry.kind === "comment") {
      comments.push(entry);
      continue;
    }
    const { header, items } = parseLine(context, entry);
    if (header) {
      const documentation = open || blocks.length > 0 ? takeTouching(comments) : comments.splice(0);
      for (const { token } of comments) keep(token);
      comments = [];
      close();
      sawAnything = false;
      const start = documentation[0]?.token.start ?? header.span.start;
      open = { header, documentation: documentation.map(({ token }) => token.text), start, items: [], end: header.span.end };
      for (const token of [...entry.inner, ...(entry.comment ? [entry.comment] : [])]) keep(token);
      continue;
    }
    if (!open) {
      const documentation = comments.splice(0);
      const start = documentation[0]?.token.start ?? entry.start;
      open = { documentation: documentation.map(({ token }) => token.text), start, items: [], end: entry.end };
    }
    for (const { token } of comments) keep(token);
    comments = [];
    for (const token of entry.inner) keep(token);
    open.items.push(...items);
    open.end = entry.end;
    if (items.length === 0) sawAnything = true; // a line that could not be read may be the missing equation
  }
  for (const { token } of comments) keep(token);
  close();

  const stray = blocks.findIndex((block) => !block.header);
  if (stray >= 0 && blocks.length > 1 && blocks[stray]!.items.length > 0) {
    const items = blocks[stray]!.items;
    const span = { start: items[0]!.span.start, end: items[0]!.span.end };
    reporter.error("E015", span, `\`${shorten(text, span)}\` stands above the first header and belongs to no block`);
  }
  if (
    blocks.length === 0 ||
    (blocks.length === 1 && !blocks[0]!.header && !blocks[0]!.items.some((item) => item.kind === "definition") && strayEnd >= 0)
  ) {
    if (!hasErrors(reporter)) reporter.error("E042", { start: 0, end: 0 }, "there is no equation in this text");
  }
  return blocks;
}

function hasErrors(reporter: Reporter): boolean {
  return reporter.finish().some((diagnostic) => diagnostic.severity === "error");
}

/** Removes and returns the comments at the end of the list that stand directly above what follows. */
function takeTouching(comments: LineComment[]): LineComment[] {
  let first = comments.length;
  while (first > 0 && comments[first - 1]!.touchesNext) first--;
  return comments.splice(first);
}

function closeBlock(open: OpenBlock): Block {
  return {
    kind: "block",
    span: { start: open.start, end: open.end },
    documentation: open.documentation,
    ...(open.header ? { header: open.header } : {}),
    items: open.items,
  };
}

function commentOf(token: Token): Comment {
  return { kind: "comment", span: { start: token.start, end: token.end }, text: token.text };
}

function shorten(text: string, span: Span): string {
  const written = text.slice(span.start, Math.min(span.end, span.start + 60)).replace(/\s+/gu, " ");
  return written.length > 40 ? `${written.slice(0, 38)} …` : written;
}

/** Two names that differ only by letters that look alike: the later one is reported. */
function reportLookAlikes(context: Context): void {
  const bySkeleton = new Map<string, { name: string; span: Span }>();
  for (const [name, span] of context.names) {
    const key = skeleton(name);
    const other = bySkeleton.get(key);
    if (!other) bySkeleton.set(key, { name, span });
    else if (other.name !== name) {
      const cure = context.text.slice(other.span.start, other.span.end);
      context.reporter.error(
        "E023",
        span,
        `\`${shorten(context.text, span)}\` looks like \`${shorten(context.text, other.span)}\` and is another name`,
        {
          label: describeLetters(name, other.name),
          reasons: [{ message: `\`${shorten(context.text, other.span)}\` is first used here`, span: other.span }],
          edit: { span, text: cure, label: `${shorten(context.text, other.span)}, spelled as there` },
        },
      );
    }
  }
}

function describeLetters(name: string, other: string): string {
  const [a, b] = [[...name], [...other]];
  const i = a.findIndex((letter, k) => letter !== b[k]);
  const script = (letter: string): string => {
    for (const known of ["Latin", "Greek", "Cyrillic"]) if (new RegExp(`\\p{Script=${known}}`, "u").test(letter)) return known;
    return "another";
  };
  const [x, y] = [a[i] ?? "", b[i] ?? ""];
  return script(x) === script(y) ? `\`${x}\` and \`${y}\`` : `${script(x)} \`${x}\`, not ${script(y)}`;
}
