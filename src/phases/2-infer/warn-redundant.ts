/**
 * Warnings about equations that are legal and probably not meant.
 *
 * In: a model without mistakes. Out: W201 for two matrices that multiply the same vector in one sum, where a paper has `Wxi·x + Whi·h[t-1]`.
 */
import { termChildren } from "../../ir/network/equation.ts";
import { sameTerm } from "./bounds.ts";
import { type Draft, type Model, type Reporter } from "./draft.ts";

export function warnRedundant(model: Model, report: Reporter): void {
  for (const value of model.values.values()) if (value.equation && !value.name.includes(".")) walk(value.equation.value, report);
}

function walk(term: Draft, report: Reporter): void {
  const parts = summands(term);
  const products = parts.filter(
    (part): part is Draft & { kind: "binary" } => part.kind === "binary" && part.op === "product" && part.left.kind === "weight",
  );
  for (const [k, product] of products.entries()) {
    const earlier = products.slice(0, Math.min(k, 16)).find((other) => sameTerm(other.right, product.right));
    if (!earlier) continue;
    const [one, two] = [report.quote(earlier.left.span), report.quote(product.left.span)];
    report.warning(
      "W201",
      product.span,
      `${one} and ${two} both multiply ${report.quote(product.right.span)} in one sum, so they act as one matrix`,
      {
        label: "was another vector meant?",
        reasons: [{ message: `the other is \`${report.quote(earlier.span)}\``, span: earlier.span }],
      },
    );
  }
  for (const part of parts) for (const child of termChildren(part)) walk(child, report);
}

function summands(term: Draft): Draft[] {
  if (term.kind === "binary" && (term.op === "add" || term.op === "sub")) return [...summands(term.left), ...summands(term.right)];
  return [term];
}
