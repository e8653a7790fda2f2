/**
 * Words for mistakes of shape: what was expected, what was found, because of what, and one edit.
 *
 * In: the mistakes that solving left, with all sizes named. Out: diagnostics E2xx, one for each pair of sizes in conflict. Names only what the author wrote.
 */
import type { Edit, Reason } from "../../support/diagnostic.ts";
import type { Span } from "../../support/source.ts";
import { termChildren, visitTerm } from "../../ir/network/equation.ts";
import type { Block, Item } from "../../ir/syntax/node.ts";
import { productWithInput } from "./corrections.ts";
import { type Draft, dimsOf, find, type Model, type Reporter } from "./draft.ts";
import { shapeText, sizeText } from "./name-sizes.ts";
import { lastPart } from "./report-inside.ts";
import { isPoison } from "./resolve.ts";
import type { Mistake } from "./shape-facts.ts";
import type { Dimension } from "./sizes.ts";
import type { ShapeResult } from "./solve-shapes.ts";

/** `block`: the one whose `where` line an edit may add to. */
export function explainShapes(model: Model, report: Reporter, result: ShapeResult, block: Block): void {
  const seen = new Set<string>();
  const once = (key: string): boolean => !seen.has(key) && Boolean(seen.add(key));
  for (const conflict of result.conflicts) {
    const { symbol, good, bad, goodShape, badShape, axis } = conflict;
    const name = lastPart(symbol.name);
    if (!once(`weight ${symbol.name}`)) continue;
    if (axis === undefined) {
      const message = `${name} is used with two shapes: ${shapeText(goodShape)} in \`${report.quote(good.span)}\`, ${shapeText(badShape)} here`;
      report.error("E202", bad.span, message, {
        label: "another shape",
        reasons: [{ message: `the other is \`${report.quote(good.span)}\` on line ${report.line(good.span)}`, span: good.span }],
      });
      continue;
    }
    const [goodSize, badSize] = [goodShape[axis], badShape[axis]];
    once([sizeText(goodSize), sizeText(badSize)].sort().join("|"));
    const isProduct = bad.kind === "binary" && bad.op === "product" && good.kind === "binary" && good.op === "product";
    const columns = axis === (dimsOf(symbol.shape)?.length ?? 1) - 1 && isProduct;
    const shape = dimsOf(good.kind === "binary" && good.op === "product" ? good.left.shape : good.shape);
    const reasons: Reason[] = [
      { message: `${name} is ${shapeText(shape)} because of \`${report.quote(good.span)}\` on line ${report.line(good.span)}`, span: good.span },
    ];
    const edit =
      isProduct && columns
        ? { span: bad.right.span, text: report.quote(good.right.span), label: `${report.quote(bad.left.span)}·${report.quote(good.right.span)}` }
        : undefined;
    const message =
      isProduct && columns
        ? `\`${report.quote(bad.span)}\`: ${name} has ${sizeText(goodSize)} columns, ${report.quote(bad.right.span)} has ${sizeText(badSize)} rows`
        : `${name} is used with two shapes: with ${sizeText(goodSize)} on line ${report.line(good.span)}, with ${sizeText(badSize)} here`;
    report.error("E202", bad.span, message, {
      label: `${sizeText(goodSize)} ≠ ${sizeText(badSize)}`,
      reasons,
      ...(edit && bad.span.start !== good.span.start ? { edit } : {}),
    });
  }
  for (const d of result.declared) {
    const reasons: Reason[] = d.because ? [{ message: `found in \`${report.quote(d.because)}\``, span: d.because }] : [];
    if (once(`declared ${d.name}`)) {
      report.error("E206", d.span, `${lastPart(d.name)} is declared ${shapeText(d.declared)}, but is ${shapeText(d.found)}`, {
        label: "declared here",
        reasons,
      });
    }
  }
  for (const mistake of result.mistakes) if (!mentionsPoison(mistake.term)) explain(model, report, mistake, once, block);
}

function mentionsPoison(term: Draft): boolean {
  return isPoison(term) || termChildren(term).some(mentionsPoison);
}

function explain(model: Model, report: Reporter, mistake: Mistake, once: (key: string) => boolean, block: Block): void {
  const { term } = mistake;
  const quote = (part: Draft): string => report.quote(part.span);
  switch (mistake.kind) {
    case "unequal": {
      const { a, b, aSize, bSize, how } = mistake;
      const [left, right] = [sizeText(aSize), sizeText(bSize)];
      if (!once([left, right].sort().join("|"))) return;
      const words = how === "columns and rows" ? ["columns", "rows"] : [how, how];
      const unit = (side: Draft, word: string): string => (dimsOf(side.shape)?.length === 2 || how !== "columns and rows" ? word : "components");
      report.error(
        "E201",
        term.span,
        `\`${quote(term)}\`: ${quote(a)} has ${left} ${unit(a, words[0])}, ${quote(b)} has ${right} ${unit(b, words[1])}`,
        {
          label: `${left} ≠ ${right}`,
          reasons: [...sizeReason(model, report, a, aSize, term.span), ...sizeReason(model, report, b, bSize, term.span)],
        },
      );
      return;
    }
    case "ranks": {
      const { a, b } = mistake;
      if (!once(`ranks ${term.span.start}`)) return;
      report.error(
        "E203",
        term.span,
        `\`${quote(term)}\`: ${quote(a)} is ${shapeText(dimsOf(a.shape))}, ${quote(b)} is ${shapeText(dimsOf(b.shape))}`,
        {
          label: "shapes differ",
          reasons: [...reasonOf(model, report, a, term.span), ...reasonOf(model, report, b, term.span)],
          edit: term.kind === "binary" && term.op === "mul" ? (numberEdit(model, a, b, block) ?? numberEdit(model, b, a, block)) : undefined,
        },
      );
      return;
    }
    case "operand":
      report.error(
        "E204",
        mistake.a.span,
        `\`${quote(term)}\` needs ${mistake.wanted}, but \`${quote(mistake.a)}\` is ${shapeText(dimsOf(mistake.a.shape))}`,
        {
          label: `not ${mistake.wanted}`,
          reasons: reasonOf(model, report, mistake.a, term.span),
        },
      );
      return;
    case "scalarProduct": {
      const sign = term.kind === "binary" && term.op === "hadamard" ? "∘" : "·";
      const between = term.kind === "binary" ? operatorSpan(report, term.left.span, term.right.span) : undefined;
      report.error(
        "E205",
        term.span,
        `\`${quote(term)}\`: ${quote(mistake.number)} is a number, and ${sign} multiplies ${sign === "∘" ? "equal shapes" : "vectors and matrices"}`,
        {
          label: "a number multiplies with *",
          reasons: reasonOf(model, report, mistake.number, term.span),
          edit: between && {
            span: between,
            text: " * ",
            label: `${quote((term as Draft & { kind: "binary" }).left)} * ${quote((term as Draft & { kind: "binary" }).right)}`,
          },
        },
      );
      return;
    }
    case "range":
      report.error(
        "E213",
        term.span,
        `\`${quote(term)}\`: ${quote(mistake.a)} has ${sizeText(mistake.aSize)} components, ${lastPart(mistake.index)} takes ${sizeText(mistake.bSize)} values`,
        {
          label: `${sizeText(mistake.aSize)} ≠ ${sizeText(mistake.bSize)}`,
          reasons: reasonOf(model, report, mistake.a, term.span),
        },
      );
  }
}

/** `where wα ∈ ℝ^D` where a gate `α = σ(wα·x)` scales a matrix: with a vector for wα, α is one number. */
function numberEdit(model: Model, gate: Draft, scaled: Draft, block: Block): Edit | undefined {
  if (gate.kind !== "value" || dimsOf(gate.shape)?.length !== 1 || dimsOf(scaled.shape)?.length !== 2) return undefined;
  const value = model.values.get(gate.name)?.equation?.value;
  const products: (Draft & { kind: "binary" })[] = [];
  if (value && !gate.name.includes(".")) visitTerm(value, (part) => part.kind === "binary" && part.op === "product" && products.push(part));
  const [product] = products;
  const weight = product?.left.kind === "weight" ? model.weights.get(product.left.name) : undefined;
  const size = product && dimsOf(product.right.shape);
  const last = block.items.at(-1);
  if (products.length !== 1 || !weight || weight.declared || size?.length !== 1 || !last) return undefined;
  const text = `${weight.name} ∈ ℝ^${sizeText(size[0])}`;
  if (!/^[\p{L}\p{N}_]+$/u.test(sizeText(size[0]))) return undefined;
  return whereEdit(last, text);
}

/** Adds a declaration at the end of a block. */
function whereEdit(last: Item, text: string): Edit {
  return {
    span: { start: last.span.end, end: last.span.end },
    text: last.kind === "where" ? `, ${text}` : `\n  where ${text}`,
    label: `where ${text}`,
  };
}

/** The place of an operator between two operands that the author wrote next to it; undefined if brackets intervene. */
function operatorSpan(report: Reporter, left: Span, right: Span): Span | undefined {
  if (left.end >= right.start) return undefined;
  const span = { start: left.end, end: right.start };
  return /^(·|∘|⊙|@|\.\*)$/.test(report.quote(span)) ? span : undefined;
}

/** Why a part has its shape, if that is to be seen elsewhere. */
function reasonOf(model: Model, report: Reporter, part: Draft, here: Span): Reason[] {
  const shape = find(part.shape);
  const name = part.kind === "value" || part.kind === "input" || part.kind === "weight" ? lastPart(part.name) : undefined;
  if (!name || !shape.because) return [];
  const weight = part.kind === "weight" ? model.weights.get(part.name) : undefined;
  const other = weight?.uses.find((use) => use.context && use.context.span.start !== here.start);
  const because = other?.context?.span ?? shape.because;
  if (because.start === here.start && because.end === here.end) return [];
  return [{ message: `${name} is ${shapeText(shape.dims)} because of \`${report.quote(because)}\` on line ${report.line(because)}`, span: because }];
}

/** Why a part has this size: the part itself if it has a name, else a name inside it that brings the size. */
function sizeReason(model: Model, report: Reporter, part: Draft, size: Dimension, here: Span): Reason[] {
  const named = part.kind === "value" || part.kind === "input" || part.kind === "weight";
  if (named) return reasonOf(model, report, part, here);
  const text = sizeText(size);
  for (const child of termChildren(part)) {
    if (!(dimsOf(child.shape) ?? []).some((each) => sizeText(each) === text)) continue;
    const found = sizeReason(model, report, child, size, here);
    if (found.length > 0) return found;
  }
  return [];
}

/** After everything else is right: names whose shape nothing decides, with the readings on offer. */
export function explainUndecided(model: Model, report: Reporter): void {
  const offer = (name: string, span: Span): void => {
    const short = lastPart(name);
    const product = productWithInput(model, name);
    report.error("E212", span, `nothing says whether ${short} is a number or a vector`, {
      label: `add  where ${short} ∈ ℝ  or  where ${short} ∈ ℝ^H`,
      edit: product === undefined ? undefined : { span, text: product, label: product },
    });
  };
  for (const weight of model.weights.values()) if (!dimsOf(weight.shape)) offer(weight.name, weight.span);
  if (report.failed) return;
  for (const value of model.values.values()) if (value.equation && !dimsOf(value.shape)) offer(value.name, value.span);
}

/** Inputs of whole numbers are not calculated with. */
export function checkTypes(model: Model, report: Reporter): void {
  const walk = (term: Draft, allowed: boolean): void => {
    if (term.kind === "input" && !allowed) {
      const symbol = model.inputs.get(term.name)!;
      if (symbol.type === "index") {
        report.error("E214", term.span, `${lastPart(term.name)} holds whole numbers, which are not calculated with`, {
          label: `look it up in a table: E[${lastPart(term.name)}]`,
          reasons: symbol.indexUse
            ? [{ message: `${lastPart(term.name)} chooses a row in \`${report.quote(symbol.indexUse)}\``, span: symbol.indexUse }]
            : [],
        });
      }
    }
    for (const [k, child] of termChildren(term).entries())
      walk(child, (term.kind === "lookup" && k === 1) || (term.kind === "call" && term.function === "cross_entropy" && k === 1));
  };
  for (const value of model.values.values()) if (value.equation) walk(value.equation.value, value.equation.value.kind === "input" && value.generated);
}
