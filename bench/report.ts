/** The bench's tables as text. In: medians and spreads. Out: lines for a terminal. */
import type { Workload } from "./workloads.ts";

export interface Sample {
  readonly workload: string;
  readonly peer: string;
  readonly medianMs?: number;
  /** (largest - smallest) / median of the samples. */
  readonly spread: number;
  /** From the equations, model or graph to the first result. */
  readonly prepareMs?: number;
  /** Worst difference from the float64 reference, relative to the largest magnitude. */
  readonly worst: number;
  readonly note?: string;
  readonly reason?: string;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const milliseconds = (ms: number): string => (ms < 0.1 ? ms.toFixed(4) : ms < 10 ? ms.toFixed(3) : ms.toFixed(1));

/** One workload: each peer with its median, spread, share of the peak, ratio to Sluice, agreement and time until ready. `leastMs`: what Sluice's operations take at the peak. */
export function table({ name, title, B, T, D, H }: Workload, samples: readonly Sample[], leastMs: number): string {
  const ours = samples.find(({ peer }) => peer === "sluice")?.medianMs;
  const lines = samples.map(({ peer, medianMs, spread, prepareMs, worst, note, reason }) => {
    if (medianMs === undefined) return `  ${peer.padEnd(18)} ${reason?.split("\n")[0] === "not offered by this peer" ? "–" : reason}`;
    const ratio = ours === undefined || peer === "sluice" ? "" : `${(medianMs / ours).toFixed(2)}×`;
    const share = `${((100 * leastMs) / medianMs).toFixed(0)}% of peak`;
    const columns = [milliseconds(medianMs).padStart(9), `±${(50 * spread).toFixed(0)}%`.padStart(6), ratio.padStart(8), share.padStart(14)];
    return `  ${peer.padEnd(18)}${columns.join("")}   differs ${worst.toExponential(1)}   ready after ${prepareMs?.toFixed(0)} ms${note === undefined ? "" : `\n${" ".repeat(20)}${note}`}`;
  });
  return `${name}  ${title}, B=${B} T=${T} D=${D} H=${H}\n${lines.join("\n")}\n`;
}

/** How much longer the fastest other peer takes, for each workload. */
export function ratioText(samples: readonly Sample[]): string {
  const lines: string[] = [];
  for (const name of new Set(samples.map(({ workload }) => workload))) {
    const here = samples.filter(({ workload, medianMs }) => workload === name && medianMs !== undefined);
    const ours = here.find(({ peer }) => peer === "sluice");
    const others = here.filter(({ peer }) => !peer.startsWith("sluice")).sort((a, b) => a.medianMs! - b.medianMs!);
    if (ours === undefined || others.length === 0) continue;
    const ratio = others[0].medianMs! / ours.medianMs!;
    lines.push(
      `  ${name.padEnd(5)}${ratio >= 1 ? `${ratio.toFixed(2)}× faster` : `${(1 / ratio).toFixed(2)}× slower`} than ${others[0].peer}, the fastest other`,
    );
  }
  return lines.length === 0 ? "" : `Sluice against the fastest other\n${lines.join("\n")}`;
}
