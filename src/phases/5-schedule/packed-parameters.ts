/**
 * Weights that a loop body only ever reads as the packed side of products: they are packed before the loop and never made as arrays.
 */
import type { Graph } from "../../ir/tensor/node.ts";
import { isLeaf } from "./group.ts";
import { consumersOf, productsOf } from "./roles.ts";

/** True if the body uses its static parameter only as the packed side of products. */
export function bodyPacksOnly(body: Graph, index: number): boolean {
  const consumers = consumersOf(body);
  const products = [
    ...productsOf(
      body,
      consumers,
      (node) => isLeaf(body.nodes[node]),
      () => false,
    ).values(),
  ];
  const uses = (node: number): boolean =>
    consumers[node].length > 0 &&
    consumers[node].every((user) => {
      const { op } = body.nodes[user];
      if (op === "rename" || op === "transpose") return uses(user);
      if (op !== "contract") return false;
      const roles = products.find((product) => product.result === user || body.nodes[product.result].args.includes(user));
      return roles !== undefined && roles.b === node && roles.a !== node && roles.batched.length === 0;
    });
  const parameter = body.nodes.findIndex((node) => node.op === "parameter" && node.attributes.kind === "static" && node.attributes.index === index);
  return parameter >= 0 && uses(parameter) && !body.outputs.some((output) => output.node === parameter);
}
