import fc from "fast-check";
import { expect, test } from "vitest";
import { parse } from "../../phases/1-parse/parse.ts";
import { OPTIONS } from "./options.ts";
import type { Block, Declaration, Definition, Expression, File, Identifier, Item, Subscript } from "./node.ts";
import { OPERATORS } from "./operators.ts";
import { printBlock, printFile } from "./print.ts";

const span = { start: 0, end: 0 };
const id = (name: string): Identifier => ({ kind: "identifier", span, name });
const NAMES = [
  "x",
  "h",
  "Wxi",
  "W_xi",
  "bα",
  "α",
  "h̃",
  "ĉ",
  "h′",
  "wci",
  "S",
  "K",
  "log",
  "log_σ",
  "λ1",
  "Wξ",
  "x̄",
  "x_t1",
  "T",
  "Σ",
  "gate",
  "repeat",
  "max_pool",
];
const FUNCTIONS = ["σ", "tanh", "log_σ", "hard_σ", "softmax", "norm", "sqrt", "lstm", "cross_entropy"];
const names = fc.constantFrom(...NAMES).map(id);
const index = fc.constantFrom("s", "n", "e", "j", "β").map(id);
const distinct = (of: fc.Arbitrary<Identifier>, minLength: number): fc.Arbitrary<Identifier[]> =>
  fc.uniqueArray(of, { minLength, maxLength: 3, selector: (name) => name.name });

const { expression } = fc.letrec<{ expression: Expression; subscript: Subscript }>((tie) => ({
  subscript: fc.oneof(
    fc.integer({ min: -2, max: 3 }).map((lag): Subscript => ({ kind: "time", span, lag })),
    fc
      .oneof(
        index.map(({ name }): Expression => ({ kind: "name", span, name })),
        tie("expression"),
      )
      .map((value): Subscript => ({ kind: "index", span, value })),
  ),
  expression: fc.oneof(
    { maxDepth: 5, depthSize: "medium" },
    fc.constantFrom(...NAMES).map((name): Expression => ({ kind: "name", span, name })),
    fc
      .oneof(fc.integer({ min: 0, max: 20 }), fc.double({ min: 0, max: 1e9, noNaN: true }))
      .map((value): Expression => ({ kind: "number", span, value: value + 0 })),
    fc
      .tuple(tie("expression"), fc.array(tie("subscript"), { minLength: 1, maxLength: 2 }))
      .map(([base, subscripts]): Expression => ({ kind: "subscript", span, base, subscripts })),
    fc
      .tuple(
        fc.constantFrom(...FUNCTIONS),
        fc.array(tie("expression"), { minLength: 1, maxLength: 2 }),
        fc.uniqueArray(fc.tuple(fc.constantFrom("p", "q"), tie("expression")), { maxLength: 2, selector: ([n]) => n }),
        fc.option(
          fc.constantFrom<Expression>({ kind: "number", span, value: 3 }, { kind: "number", span, value: 0.5 }, { kind: "name", span, name: "L" }),
          { nil: undefined, freq: 2 },
        ),
      )
      .map(
        ([callee, args, named, repeat]): Expression => ({
          kind: "call",
          span,
          callee: id(callee),
          args,
          named: named.map(([name, value]) => ({ name: id(name), value })),
          ...(repeat ? { repeat } : {}),
        }),
      ),
    fc
      .tuple(fc.constantFrom("neg" as const, "transpose" as const), tie("expression"))
      .map(([op, operand]): Expression => ({ kind: "unary", span, op, operand })),
    fc
      .tuple(fc.constantFrom(...OPERATORS.map(({ op }) => op)), tie("expression"), tie("expression"))
      .map(([op, left, right]): Expression => ({ kind: "binary", span, op, left, right })),
    fc
      .tuple(fc.constantFrom("sum" as const, "max" as const, "mean" as const, "softmax" as const), index, tie("expression"))
      .map(([op, i, body]): Expression => ({ kind: "reduction", span, op, index: i, body })),
    tie("expression").map((operand): Expression => ({ kind: "absolute", span, operand })),
    fc.array(tie("expression"), { minLength: 1, maxLength: 3 }).map((parts): Expression => ({ kind: "concatenation", span, parts })),
  ),
}));

const size = fc.oneof(
  fc.constantFrom("H", "D", "K").map((name): Expression => ({ kind: "name", span, name })),
  fc.constant<Expression>({ kind: "binary", span, op: "mul", left: { kind: "number", span, value: 2 }, right: { kind: "name", span, name: "K" } }),
  fc.constant<Expression>({ kind: "binary", span, op: "add", left: { kind: "name", span, name: "H" }, right: { kind: "name", span, name: "D" } }),
);
const offset = fc.oneof(
  fc.constant<Expression>({ kind: "number", span, value: 0 }),
  size.map((operand): Expression => ({ kind: "unary", span, op: "neg", operand })),
);
const bound = fc.record({ strict: fc.boolean(), value: offset });
const declaration: fc.Arbitrary<Declaration> = fc.oneof(
  fc.tuple(distinct(names, 1), expression).map(([of, value]): Declaration => ({ kind: "distribution", span, names: of, value })),
  fc
    .tuple(names, fc.constantFrom(-2, -1, 1, 2, 3), expression)
    .map(([name, lag, value]): Declaration => ({ kind: "initial", span, name, lag, value })),
  fc
    .tuple(fc.array(fc.record({ name: names, indices: distinct(index, 0) }), { minLength: 1, maxLength: 2 }), fc.array(size, { maxLength: 3 }))
    .map(([of, sizes]): Declaration => ({ kind: "shape", span, names: of, sizes })),
  fc.tuple(distinct(index, 1), size, size).map(([of, from, to]): Declaration => ({ kind: "range", span, names: of, from, to })),
  fc
    .tuple(index, fc.option(bound, { nil: undefined }), fc.option(bound, { nil: undefined }))
    .map(([name, lower, upper]): Declaration => ({ kind: "bound", span, name, ...(lower ? { lower } : {}), ...(upper ? { upper } : {}) })),
  fc.tuple(distinct(names, 1), fc.array(fc.tuple(fc.constantFrom(...Object.keys(OPTIONS)), size), { minLength: 1, maxLength: 3 })).map(
    ([of, options]): Declaration => ({
      kind: "option",
      span,
      names: of,
      options: options.map(([name, value]) => (OPTIONS[name]!.argument === "none" ? { name: id(name) } : { name: id(name), value })),
    }),
  ),
  distinct(names, 1).map((of): Declaration => ({ kind: "gate", span, names: of })),
);
const comment = fc.option(fc.constantFrom("peephole", "", "eq. 7, σ(x) = 1"), { nil: undefined });
const definition: fc.Arbitrary<Definition> = fc
  .tuple(fc.constantFrom("plain" as const, "log" as const), names, distinct(index, 0), expression, comment)
  .map(([form, target, indices, value, text]) => ({
    kind: "definition",
    span,
    form,
    target,
    indices,
    value,
    ...(text === undefined ? {} : { comment: text }),
  }));
const item: fc.Arbitrary<Item> = fc.oneof(
  { weight: 4, arbitrary: definition },
  { weight: 1, arbitrary: fc.constantFrom("a note", "").map((text): Item => ({ kind: "comment", span, text })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.array(declaration, { minLength: 1, maxLength: 4 }), comment)
      .map(([declarations, text]): Item => ({ kind: "where", span, declarations, ...(text === undefined ? {} : { comment: text }) })),
  },
);
const block: fc.Arbitrary<Block> = fc
  .tuple(
    fc.array(fc.constantFrom("Hochreiter & Schmidhuber 1997", ""), { maxLength: 2 }),
    fc.constantFrom("lstm", "gated_delta", "pi", "W_xi", "h_bar").map(id),
    distinct(names, 0),
    distinct(names, 1),
    definition,
    fc.array(item, { maxLength: 3 }),
  )
  .map(([documentation, name, inputs, outputs, first, items]) => ({
    kind: "block",
    span,
    documentation,
    header: { kind: "header", span, name, inputs, outputs },
    items: [first, ...items],
  }));
const file: fc.Arbitrary<File> = fc.array(block, { minLength: 1, maxLength: 2 }).map((blocks) => ({ kind: "file", span, blocks }));

function withoutSpans(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, part) => (key === "span" ? undefined : part)));
}

test.each(["unicode", "ascii"] as const)("parse(print(x)) is x, and printing is idempotent: %s", (spelling) => {
  fc.assert(
    fc.property(file, (tree) => {
      const text = printFile(tree, { spelling });
      const source = { name: "x.gate", text };
      const { file: read, diagnostics } = parse(source);
      expect(diagnostics.filter(({ severity }) => severity === "error").map(({ message }) => `${message}\n${text}`)).toEqual([]);
      expect(withoutSpans(read.blocks), text).toEqual(withoutSpans(tree.blocks));
      expect(printFile(read, { spelling, source })).toBe(text);
      expect(printFile(read, { spelling: "author", source })).toBe(text);
    }),
    { numRuns: 3000 },
  );
});

const TYPED = `# Gated delta rule
# a second line

net(x_t, h0) -> h, y   # header note
  # leading
  a = 2 * (Wx·x) + (b * c)
  h_t = σ(W_{xi}·x_t + Whi @ h_{t-1}
      # inner
      + b_i)  # trailing

  log alpha = -exp(A) .* softplus(hₜ₋₁')
  S = outer(v, k)∘(√K) − 0.50
  a[n,s] = softmax_s( q[n]·k_{n,s} / sqrt(K) ) * (Σ_n (b))
  where bf ~ 1,
    W in R^{H, D}
  # last

# doc of two
two(x) → y
  y = |x| + ‖x‖
`;
const FORMATTED = `# Gated delta rule
# a second line
net(x, h0) -> h, y
  # header note
  # leading
  a = 2 * (Wx·x) + (b * c)
  # inner
  h_t = σ(W_{xi}·x_t + Whi @ h_{t-1} + b_i)  # trailing

  log alpha = -exp(A) .* softplus(hₜ₋₁')
  S = outer(v, k)∘(√K) - 0.50
  a[n,s] = softmax_s(q[n]·k_{n,s} / sqrt(K)) * (Σ_n b)
  where bf ~ 1, W in R^{H, D}
  # last

# doc of two
two(x) → y
  y = |x| + ‖x‖
`;

test("the formatter keeps comments, order, the author's spelling and brackets, and is idempotent", () => {
  const source = { name: "x.gate", text: TYPED };
  const first = parse(source);
  expect(first.diagnostics).toEqual([]);
  expect(printFile(first.file, { spelling: "author", source })).toBe(FORMATTED);
  for (const spelling of ["author", "unicode", "ascii"] as const) {
    const once = printFile(first.file, { spelling, source });
    const again = { name: "x.gate", text: once };
    const read = parse(again);
    expect(read.diagnostics).toEqual([]);
    expect(withoutSpans(read.file.blocks)).toEqual(withoutSpans(first.file.blocks));
    expect(printFile(read.file, { spelling, source: again })).toBe(once);
  }
  expect(printFile(first.file, { spelling: "ascii", source })).toMatch(/^[\n\x20-\x7e]*$/);
});

test("long equations and where lines are broken so that they read as before", () => {
  const sum = Array.from({ length: 20 }, (_, i) => `W${i}·x[t-${i + 1}]`).join(" + ");
  const shapes = Array.from({ length: 20 }, (_, i) => `W${i} ~ normal(0, 0.1)`).join(", ");
  const source = { name: "x.gate", text: `f(x) → y\n  y = ${sum}\n  where ${shapes}\n` };
  const { file: tree } = parse(source);
  const text = printBlock(tree.blocks[0]!);
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  expect(withoutSpans(parse({ name: "x.gate", text }).file.blocks)).toEqual(withoutSpans(tree.blocks));
});
