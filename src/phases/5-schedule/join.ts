/**
 * Passes over vectors, two vectors at a time: for engines that join neighbouring vectors.
 *
 * In: the loop function of a nest. Out: the same function, in which every innermost loop over whole vectors computes both vectors of a pair and then writes
 * them side by side (`store_pair`); what is left over goes one by one as before. Elements of a nest do not depend on each other, but for sums in registers,
 * which are taken in the same order. Addresses that move with the loop become locals, so that an engine sees that two accesses are 16 bytes apart.
 */
import {
  add32,
  and32,
  binary,
  forLoop,
  i32,
  i32Local,
  i32x4,
  integer,
  letLocal,
  load,
  loadI32,
  local,
  mul32,
  splat,
  splitAddress,
  spread,
  store,
  storePair,
  sub32,
} from "../../ir/loop/build.ts";
import type { Expression, LoopFunction, Statement } from "../../ir/loop/node.ts";

type Store = Statement & { readonly kind: "store" };
type Let = Statement & { readonly kind: "let" };
type Loop = Statement & { readonly kind: "for" };

/** Elements of a vector: the step of a loop over vectors. */
const VECTOR = 4;
const VECTOR_BYTES = 16;

/** The function with its passes two vectors at a time. */
export function joinVectors(each: LoopFunction): LoopFunction {
  return { ...each, body: joinedAll(each.body) };
}

function joinedAll(statements: readonly Statement[]): Statement[] {
  return statements.flatMap((statement): Statement[] => {
    switch (statement.kind) {
      case "for":
        return (statement.step === VECTOR ? joinedLoop(statement) : undefined) ?? [{ ...statement, body: joinedAll(statement.body) }];
      case "if":
        return [{ ...statement, then: joinedAll(statement.then), otherwise: statement.otherwise && joinedAll(statement.otherwise) }];
      default:
        return [statement];
    }
  });
}

/** A loop over pairs of vectors and one over what is left; undefined if the loop is of another form. */
function joinedLoop(loop: Loop): Statement[] | undefined {
  const { counter, from, to, body } = loop;
  const lets = body.filter((statement): statement is Let => statement.kind === "let");
  const stores = body.filter((statement): statement is Store => statement.kind === "store" && statement.lanes === 4);
  const plain = stores.length > 0 && body.every((statement, i) => (i < lets.length ? statement === lets[i] : statement === stores[i - lets.length]));
  if (!plain) return undefined;
  const bound = new Set(lets.map(({ local: { name } }) => name));
  const carried = carriedNames(lets, bound);
  if (stores.some(({ value }) => reads(value, carried))) return undefined;
  const length = from.kind === "i32" && to.kind === "i32" ? to.value - from.value : undefined;
  if (length !== undefined && length < 2 * VECTOR) return undefined;

  const addresses = new Addresses(counter, bound);
  const first = new Half(addresses, counter, 0, (name) => name);
  const second = new Half(addresses, counter, VECTOR, (name) => (bound.has(name) && !carried.has(name) ? `${name}b` : name));
  const values = [first, second].map((half) => lets.map(({ local: { name }, value }) => letLocal(half.name(name), half.of(value))));
  const written = stores.flatMap((one): Statement[] => {
    const [low, high] = [first.place(one), second.place(one)];
    const [a, b] = [first.of(one.value), second.of(one.value)];
    if (low.address === high.address && high.offset === low.offset + VECTOR_BYTES) return [storePair(low.address, low.offset, a, b)];
    return [store(low.address, low.offset, a), store(high.address, high.offset, b)];
  });
  const pairs = [...addresses.bindings, ...values.flat(), ...written];
  const end = add32(from, and32(sub32(to, from), i32(-2 * VECTOR)));
  const even = length === undefined ? isMultiple(from, 2 * VECTOR) && isMultiple(to, 2 * VECTOR) : length % (2 * VECTOR) === 0;
  if (even) return [forLoop(counter, from, to, 2 * VECTOR, pairs)];
  const middle = end.kind === "i32" ? end : i32Local("pairs");
  return [
    ...(end.kind === "i32" ? [] : [letLocal("pairs", end)]),
    forLoop(counter, from, middle, 2 * VECTOR, pairs),
    forLoop(counter, middle, to, VECTOR, body),
  ];
}

function isMultiple(expression: Expression, of: number): boolean {
  if (expression.kind === "i32") return expression.value % of === 0;
  return expression.kind === "integer" && expression.op === "mul" && isMultiple(expression.right, of);
}

/** Locals that a round takes over from the round before: sums. */
function carriedNames(lets: readonly Let[], bound: ReadonlySet<string>): ReadonlySet<string> {
  const carried = new Set<string>();
  const done = new Set<string>();
  for (const { local: target, value } of lets) {
    for (const name of bound) if (!done.has(name) && reads(value, new Set([name]))) carried.add(name);
    done.add(target.name);
  }
  return carried;
}

function reads(expression: Expression, names: ReadonlySet<string>): boolean {
  if (names.size === 0) return false;
  if (expression.kind === "local") return names.has(expression.name);
  return partsOf(expression).some((part) => reads(part, names));
}

function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case "load":
    case "splat":
    case "load_i32":
      return [expression.address];
    case "spread":
      return [expression.value];
    case "unary":
    case "across":
      return [expression.operand];
    case "binary":
    case "integer":
      return [expression.left, expression.right];
    case "multiply_add":
      return [expression.a, expression.b, expression.c];
    case "select":
      return [expression.condition, expression.whenTrue, expression.whenFalse];
    default:
      return [];
  }
}

/** Integers that move with the loop, each bound to one local at the start of a round. */
class Addresses {
  readonly bindings: Statement[] = [];
  private readonly known = new Map<string, Expression>();
  private readonly counter: ReadonlySet<string>;
  private readonly bound: ReadonlySet<string>;

  constructor(counter: string, bound: ReadonlySet<string>) {
    this.counter = new Set([counter]);
    this.bound = bound;
  }

  /** The local that holds the integer; itself if it is no more than a local, does not move with the loop, or is not known at the start of a round. */
  local(integerValue: Expression): Expression {
    return this.keep(JSON.stringify(integerValue), () => {
      if (integerValue.kind === "local" || !reads(integerValue, this.counter) || reads(integerValue, this.bound)) return integerValue;
      const name = `x${this.bindings.length}`;
      this.bindings.push(letLocal(name, integerValue));
      return i32Local(name);
    });
  }

  // Equal expressions become the same object, so that places can be compared.
  private keep(key: string, make: () => Expression): Expression {
    const found = this.known.get(key) ?? make();
    this.known.set(key, found);
    return found;
  }
}

/** One vector of a pair: the loop's expressions for it. */
class Half {
  readonly name: (name: string) => string;
  private readonly addresses: Addresses;
  private readonly counter: string;
  private readonly ahead: number;
  private readonly made = new Map<Expression, Expression>();

  constructor(addresses: Addresses, counter: string, ahead: number, name: (name: string) => string) {
    this.addresses = addresses;
    this.counter = counter;
    this.ahead = ahead;
    this.name = name;
  }

  /** Where a load or store of this vector lies. */
  place({ address, offset }: { readonly address: Expression; readonly offset: number }): { readonly address: Expression; readonly offset: number } {
    const split = splitAddress(this.of(address), offset);
    return { address: this.addresses.local(split.address), offset: split.offset };
  }

  of(expression: Expression): Expression {
    const known = this.made.get(expression);
    if (known !== undefined) return known;
    const made = this.make(expression);
    this.made.set(expression, made);
    return made;
  }

  private make(expression: Expression): Expression {
    switch (expression.kind) {
      case "local":
        return expression.name === this.counter ? add32(expression, i32(this.ahead)) : local(this.name(expression.name), expression.type);
      case "load": {
        const { address, offset } = this.place(expression);
        return load(address, offset, expression.lanes, expression.type);
      }
      case "splat": {
        const { address, offset } = this.place(expression);
        return splat(address, offset, expression.type);
      }
      case "load_i32": {
        const { address, offset } = this.place(expression);
        return loadI32(address, offset);
      }
      case "spread": {
        const value = this.of(expression.value);
        if (value.kind === "i32") return spread(value);
        const { address: rest, offset: more } = splitAddress(value, 0);
        const first = spread(this.addresses.local(rest));
        return more === 0 ? first : binary("iadd", first, i32x4(more, more, more, more));
      }
      case "unary":
      case "across":
        return { ...expression, operand: this.of(expression.operand) };
      case "binary":
        return { ...expression, left: this.of(expression.left), right: this.of(expression.right) };
      case "multiply_add":
        return { ...expression, a: this.of(expression.a), b: this.of(expression.b), c: this.of(expression.c) };
      case "select":
        return {
          ...expression,
          condition: this.of(expression.condition),
          whenTrue: this.of(expression.whenTrue),
          whenFalse: this.of(expression.whenFalse),
        };
      case "integer": {
        const [left, right] = [this.of(expression.left), this.of(expression.right)];
        if (expression.op === "add") return add32(left, right);
        if (expression.op === "mul") return mul32(left, right);
        return expression.op === "sub" ? sub32(left, right) : integer(expression.op, left, right);
      }
      default:
        return expression;
    }
  }
}
