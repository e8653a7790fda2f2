/**
 * Which block of a file is the model, and which blocks it calls.
 *
 * In: the blocks of a file. Out: the main block, or those reached from one. Reports nothing.
 */
import { canonicalName } from "../../ir/syntax/names.ts";
import type { Block, Expression } from "../../ir/syntax/node.ts";

/** The last block; if another block calls it, the last one that no other block calls; if there is none, the last block all the same. */
export function mainBlock(blocks: readonly Block[], names: ReadonlyMap<string, Block>): Block | undefined {
  const called = new Set(blocks.flatMap((block) => calledBy(block, names).filter((callee) => callee !== block)));
  return blocks.findLast((block) => !called.has(block)) ?? blocks.at(-1);
}

/** Blocks that a block calls, itself or through others. */
export function calledBlocks(main: Block, names: ReadonlyMap<string, Block>): ReadonlySet<Block> {
  const found = new Set<Block>();
  const work = [main];
  for (let block = work.pop(); block; block = work.pop()) {
    for (const called of calledBy(block, names)) {
      if (found.has(called)) continue;
      found.add(called);
      work.push(called);
    }
  }
  return found;
}

function calledBy(block: Block, names: ReadonlyMap<string, Block>): readonly Block[] {
  const canonical = new Map([...names].map(([name, each]) => [canonicalName(name), each]));
  const inputs = new Set(block.header?.inputs.map((input) => input.name));
  const defined = new Set(block.items.flatMap((item) => (item.kind === "definition" ? [item.target.name] : [])));
  const found: Block[] = [];
  for (const item of block.items) {
    if (item.kind !== "definition") continue;
    callees(item.value, (name, isCalled) => {
      // An input stands for what is passed; a name without brackets is a block only if nothing else has it.
      const called = inputs.has(canonicalName(name)) || (!isCalled && defined.has(name)) ? undefined : (names.get(name) ?? canonical.get(name));
      if (called) found.push(called);
    });
  }
  return found;
}

function callees(expression: Expression, found: (name: string, isCalled: boolean) => void): void {
  switch (expression.kind) {
    case "call":
      found(expression.callee.name, true);
      for (const arg of expression.args) {
        if (arg.kind === "name") found(arg.name, false);
        else callees(arg, found);
      }
      return;
    case "unary":
    case "absolute":
      return callees(expression.operand, found);
    case "binary":
      callees(expression.left, found);
      return callees(expression.right, found);
    case "reduction":
      return callees(expression.body, found);
    case "concatenation":
      for (const part of expression.parts) callees(part, found);
      return;
    case "subscript":
      for (const subscript of expression.subscripts) if (subscript.kind === "index") callees(subscript.value, found);
      return callees(expression.base, found);
    default:
      return;
  }
}
