/** Phase 2, second half: network → tensor graph at concrete sizes. */
import type { Network } from "../../ir/network/node.ts";
import type { Variant } from "../../ir/network/variant.ts";
import type { Graph } from "../../ir/tensor/node.ts";
export declare function build(network: Network, variant: Variant): Graph;
