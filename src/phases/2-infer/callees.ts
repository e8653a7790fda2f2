/**
 * What a call calls: blocks of the file, of the library, and blocks that were passed as arguments.
 *
 * In: a scope and a name. Out: the block with everything that its own text may call. A parameter of a header that is only called, or passed on where a block
 * is wanted, stands for a block. Resolves no expression.
 */
import { canonicalName } from "../../ir/syntax/names.ts";
import type { Block, Expression } from "../../ir/syntax/node.ts";
import type { Span } from "../../support/source.ts";
import { functionNamed, nearestName } from "./functions.ts";
import type { Context, Scope } from "./scope.ts";

/** A block with the surroundings of its text. */
export interface Callee {
  readonly name: string;
  readonly block: Block;
  /** Blocks that may be called from its text. */
  readonly blocks: ReadonlyMap<string, Block>;
  /** Where its mistakes are shown, if its text is not the author's. */
  readonly site?: Span;
  /** Blocks around the place that names it: none of them may be it. */
  readonly stack: readonly string[];
}

/** The block that a call of this name brings in; undefined for functions and unknown names. `span`: the call. */
export function calledBlock(scope: Scope, name: string, span: Span): Callee | undefined {
  const passed = scope.callees.get(canonicalName(name));
  if (passed) return passed;
  const own = scope.blocks.get(name);
  if (own) return { name, block: own, blocks: scope.blocks, site: scope.site, stack: scope.stack };
  const foreign = functionNamed(name) ? undefined : scope.context.library.get(name);
  return foreign && { name, block: foreign.block, blocks: foreign.blocks, site: scope.site ?? span, stack: scope.stack };
}

/** The block that a name without brackets stands for, if it has no other meaning here. */
export function namedBlock(scope: Scope, name: string, span: Span): Callee | undefined {
  const passed = scope.callees.get(name);
  if (passed || scope.names.has(name)) return passed;
  const typed = spelling(scope.blocks, name) ?? spelling(scope.context.library, name);
  return typed === undefined ? undefined : calledBlock(scope, typed, span);
}

/** The block that an unknown name probably means, or one of `others`: what differs only in underscores and capitals, else the nearest. */
export function otherBlock(scope: Scope, name: string, others: readonly string[] = []): string | undefined {
  const { libraryNames } = scope.context;
  const plain = (text: string): string => text.replaceAll("_", "").toLowerCase();
  const same = [...scope.blocks.keys(), ...others, ...libraryNames].find((block) => plain(block) === plain(name));
  // The file and the functions come before a library that the text does not name.
  return same ?? nearestName(name, [...others, ...scope.blocks.keys()]) ?? nearestName(name, libraryNames);
}

const spellings = new WeakMap<ReadonlyMap<string, unknown>, ReadonlyMap<string, string>>();

/** The name of a block as its header has it, from the name as an expression has it (`pi` is π there). */
function spelling(blocks: ReadonlyMap<string, unknown>, name: string): string | undefined {
  let known = spellings.get(blocks);
  if (!known) {
    known = new Map([...blocks.keys()].map((key) => [canonicalName(key), key]));
    spellings.set(blocks, known);
  }
  return blocks.has(name) ? name : known.get(name);
}

/** The inputs of a block that stand for blocks: called or passed on as one at least once, and never read as a value. */
export function blockParameters(context: Context, block: Block, blocks: ReadonlyMap<string, Block>): ReadonlySet<string> {
  const known = context.parameters.get(block);
  if (known) return known;
  const inputs = new Set(block.header?.inputs.map((input) => input.name));
  const defined = new Set(block.items.flatMap((item) => (item.kind === "definition" ? [item.target.name] : [])));
  const called = new Set<string>();
  const read = new Set<string>();
  context.parameters.set(block, called); // a block that calls itself has been given what is known so far
  const passesBlock = (callee: string, position: number): boolean => {
    const own = blocks.get(callee);
    const target = own ? { block: own, blocks } : functionNamed(callee) ? undefined : context.library.get(callee);
    const input = target?.block.header?.inputs[position];
    return target !== undefined && input !== undefined && blockParameters(context, target.block, target.blocks).has(input.name);
  };
  const walk = (e: Expression): void => {
    switch (e.kind) {
      case "name":
        read.add(e.name);
        return;
      case "subscript":
        walk(e.base);
        for (const subscript of e.subscripts) if (subscript.kind === "index") walk(subscript.value);
        return;
      case "call": {
        called.add(canonicalName(e.callee.name));
        for (const [k, arg] of e.args.entries()) {
          if (arg.kind === "name" && inputs.has(arg.name) && passesBlock(e.callee.name, k)) called.add(arg.name);
          else walk(arg);
        }
        for (const { value } of e.named) walk(value);
        return;
      }
      case "unary":
      case "absolute":
        return walk(e.operand);
      case "binary":
        walk(e.left);
        return walk(e.right);
      case "reduction":
        return walk(e.body);
      case "concatenation":
        for (const part of e.parts) walk(part);
        return;
      case "number":
        return;
    }
  };
  for (const item of block.items) if (item.kind === "definition") walk(item.value);
  for (const name of [...called]) if (!inputs.has(name) || defined.has(name) || read.has(name)) called.delete(name);
  return called;
}
