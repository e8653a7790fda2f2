/**
 * The text of a tensor graph, for people and for golden files: one node a line, `read` gives the graph back.
 *
 *     axes t=T b=4 H=3 H'=3
 *     %3 [t, b, H] = contract(%1, %2) over H'  # "i" 10:24
 *     out h = %3
 *
 * In: a graph. Out: text with a line end. The name and span of a node stand behind `#`; the type is shown where it is index.
 */
import type { Attributes, AxisName, Graph, Node } from "./node.ts";

const PLAIN = /^[^\s,;=%()[\]{}"#]+$/;

/** Bare if it can be read back, else quoted. */
function word(text: string): string {
  return PLAIN.test(text) ? text : JSON.stringify(text);
}

const words = (list: readonly string[]): string => (list.length === 0 ? "()" : list.map(word).join(","));

function number(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/** Order in which attributes are printed. */
const ORDER: readonly (keyof Attributes)[] = [
  "name",
  "value",
  "axis",
  "axes",
  "from",
  "parts",
  "over",
  "to",
  "start",
  "lag",
  "lags",
  "stream",
  "reverse",
  "kind",
  "index",
];

function attributeText(attributes: Attributes): string {
  let text = "";
  for (const key of ORDER) {
    const value = attributes[key];
    if (value === undefined) continue;
    if (typeof value === "string") text += ` ${key} ${word(value)}`;
    else if (typeof value === "number") text += ` ${key} ${number(value)}`;
    else if (typeof value === "boolean") text += ` ${key} ${value}`;
    else text += ` ${key} ${words(value as readonly AxisName[])}`;
  }
  return text;
}

function nodeLines(node: Node, index: number, indent: string): string[] {
  const axes = `[${node.axes.map(word).join(", ")}]${node.type === "index" ? " index" : ""}`;
  const comment = commentText(node);
  const head = `${indent}%${index} ${axes} = ${node.op}`;
  const scan = node.attributes.scan;
  if (!scan) {
    const args = node.args.length > 0 ? `(${node.args.map((arg) => `%${arg}`).join(", ")})` : "";
    return [`${head}${args}${attributeText(node.attributes)}${comment}`];
  }
  const groups = [
    node.args.slice(0, scan.sequences),
    node.args.slice(scan.sequences, scan.sequences + scan.statics),
    node.args.slice(-scan.states || node.args.length),
  ];
  const args = groups.map((group) => group.map((arg) => `%${arg}`).join(", ")).join("; ");
  const states = scan.stateNames.map((name) => ` ${word(name)}`).join("");
  return [
    `${head}(${args})${scan.reverse ? " reverse" : ""}${scan.chunk === undefined ? "" : ` chunk ${word(scan.chunk)}`} states${states} {${comment}`,
    ...graphLines(scan.body, `${indent}  `),
    `${indent}}`,
  ];
}

function commentText(node: Node): string {
  const parts = [...(node.name === undefined ? [] : [JSON.stringify(node.name)]), ...(node.span ? [`${node.span.start}:${node.span.end}`] : [])];
  return parts.length > 0 ? `  # ${parts.join(" ")}` : "";
}

function graphLines(graph: Graph, indent: string): string[] {
  const axes = [...graph.axes].map(([axis, size]) => ` ${word(axis)}=${size}`).join("");
  return [
    `${indent}axes${axes}`,
    ...graph.nodes.flatMap((node, i) => nodeLines(node, i, indent)),
    ...graph.outputs.map(({ name, node }) => `${indent}out ${word(name)} = %${node}`),
  ];
}

/** The graph as text; `read(printGraph(graph))` equals `graph`. */
export function printGraph(graph: Graph): string {
  return `${graphLines(graph, "").join("\n")}\n`;
}
