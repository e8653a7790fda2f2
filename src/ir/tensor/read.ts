/**
 * Reads the text that `printGraph` writes.
 *
 * In: text. Out: the graph, equal to the one printed. For tests and golden files, so a text that does not follow the form is our mistake.
 */
import { invariant } from "../../support/invariant.ts";
import type { Attributes, AxisName, AxisSize, ElementType, Graph, Node, Op, Output } from "./node.ts";
import { readSize } from "./sizes.ts";

const TOKEN = /\s+|"(?:[^"\\]|\\.)*"|[,;=%()[\]{}#]|[^\s,;=%()[\]{}"#]+/gy;

/** The tokens of one line, read from left to right. */
interface Tokens {
  peek(): string | undefined;
  next(): string;
  /** Takes the token if it is the next one. */
  accept(token: string): boolean;
  expect(token: string): void;
}

function tokenize(line: string): Tokens {
  const tokens = (line.match(TOKEN) ?? []).filter((token) => token.trim() !== "");
  let place = 0;
  const self: Tokens = {
    peek: () => tokens[place],
    next: () => {
      invariant(place < tokens.length, `unexpected end of line: ${line}`);
      return tokens[place++];
    },
    accept: (token) => (tokens[place] === token ? (place++, true) : false),
    expect: (token) => invariant(self.next() === token, `expected ${token}: ${line}`),
  };
  return self;
}

const unquote = (token: string): string => (token.startsWith('"') ? (JSON.parse(token) as string) : token);

function reference(tokens: Tokens): number {
  tokens.expect("%");
  return Number(tokens.next());
}

function wordList(tokens: Tokens): string[] {
  if (tokens.accept("(")) {
    tokens.expect(")");
    return [];
  }
  const list = [unquote(tokens.next())];
  while (tokens.accept(",")) list.push(unquote(tokens.next()));
  return list;
}

const TEXT: readonly (keyof Attributes)[] = ["name", "axis", "lags", "kind"];
const NUMBER: readonly (keyof Attributes)[] = ["value", "start", "lag", "stream", "index"];
/** Ops whose `to` is a list. */
const LIST_TO: readonly Op[] = ["rename", "split"];

function readAttributes(op: Op, tokens: Tokens): Attributes {
  const attributes: Record<string, unknown> = {};
  while (tokens.peek() !== undefined && tokens.peek() !== "#") {
    const key = tokens.next() as keyof Attributes;
    if (NUMBER.includes(key)) attributes[key] = Number(tokens.next());
    else if (key === "reverse") attributes[key] = tokens.next() === "true";
    else if (TEXT.includes(key) || (key === "to" && !LIST_TO.includes(op))) attributes[key] = unquote(tokens.next());
    else attributes[key] = wordList(tokens);
  }
  return attributes;
}

function readComment(tokens: Tokens): Pick<Node, "name" | "span"> {
  if (!tokens.accept("#")) return {};
  const quoted = tokens.peek()?.startsWith('"') ? unquote(tokens.next()) : undefined;
  const range = tokens.peek() === undefined ? undefined : tokens.next().split(":").map(Number);
  return { ...(quoted === undefined ? {} : { name: quoted }), ...(range ? { span: { start: range[0], end: range[1] } } : {}) };
}

function readArguments(tokens: Tokens): number[][] {
  const groups: number[][] = [[]];
  if (!tokens.accept("(")) return groups;
  while (!tokens.accept(")")) {
    if (tokens.accept(";")) groups.push([]);
    else if (!tokens.accept(",")) groups.at(-1)!.push(reference(tokens));
  }
  return groups;
}

/** Lines and the place reached in them. */
interface Lines {
  readonly lines: readonly string[];
  at: number;
}

function readNode(tokens: Tokens, input: Lines): Node {
  tokens.next(); // its number
  tokens.expect("[");
  const axes: AxisName[] = [];
  while (!tokens.accept("]")) if (!tokens.accept(",")) axes.push(unquote(tokens.next()));
  const type: ElementType = tokens.accept("index") ? "index" : "real";
  tokens.expect("=");
  const op = tokens.next() as Op;
  const groups = readArguments(tokens);
  const args = groups.flat();
  if (op !== "scan") {
    const attributes = readAttributes(op, tokens);
    return { op, args, axes, type, attributes, ...readComment(tokens) };
  }
  const reverse = tokens.accept("reverse");
  const chunk = tokens.accept("chunk") ? { chunk: unquote(tokens.next()) } : {};
  tokens.expect("states");
  const stateNames: string[] = [];
  while (!tokens.accept("{")) stateNames.push(unquote(tokens.next()));
  const comment = readComment(tokens);
  const body = readLines(input);
  const [sequences, statics, states] = groups.map((group) => group.length);
  return { op, args, axes, type, attributes: { scan: { reverse, ...chunk, sequences, statics, states, body, stateNames } }, ...comment };
}

function readLines(input: Lines): Graph {
  const axes = new Map<AxisName, AxisSize>();
  const nodes: Node[] = [];
  const outputs: Output[] = [];
  while (input.at < input.lines.length) {
    const tokens = tokenize(input.lines[input.at++]);
    const first = tokens.peek();
    if (first === undefined) continue;
    if (first === "}") break;
    tokens.next();
    if (first === "%") nodes.push(readNode(tokens, input));
    else if (first === "out") {
      const name = unquote(tokens.next());
      tokens.expect("=");
      outputs.push({ name, node: reference(tokens) });
    } else {
      invariant(first === "axes", `not a line of a graph: ${input.lines[input.at - 1]}`);
      while (tokens.peek() !== undefined) {
        const axis = unquote(tokens.next());
        tokens.expect("=");
        axes.set(axis, readSize(tokens.next()));
      }
    }
  }
  return { axes, nodes, outputs };
}

/** The graph of a text. @throws InternalError if the text is not of the form that `printGraph` writes. */
export function read(text: string): Graph {
  return readLines({ lines: text.split("\n"), at: 0 });
}
