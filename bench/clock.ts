/**
 * Two clocks. A machine that is shared by others takes a process off its core for milliseconds; the processor time of the process does not count those, the wall
 * clock does. Both in milliseconds.
 */

/** Processor time of this process, all its threads, user and system. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** A stopwatch for calls of milliseconds: the smaller of wall and processor time since `start`. */
export function undisturbed(start: { readonly wall: number; readonly processor: number }): number {
  return Math.min(performance.now() - start.wall, processorMs() - start.processor);
}

/** Both clocks now. */
export function now(): { readonly wall: number; readonly processor: number } {
  return { processor: processorMs(), wall: performance.now() };
}
