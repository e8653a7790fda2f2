/**
 * Dates and times as people write them in tables, read as milliseconds since 1970 (UTC).
 *
 * In: the cells of one column. Out: times, if all cells fit one order of day, month and year. A cell without a zone is taken as UTC: only order and
 * distance matter. Plain numbers are never dates. Never uses `Date.parse`, whose reading differs between engines.
 */

type Order = "ymd" | "dmy" | "mdy";

const TIME = String.raw`(?:[T ,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([AaPp][Mm])?)?\s*(Z|[+-]\d{2}:?\d{2})?$`;
const YEAR_FIRST = new RegExp(String.raw`^(\d{4})([-/.])(\d{1,2})(?:\2(\d{1,2}))?${TIME}`);
const YEAR_LAST = new RegExp(String.raw`^(\d{1,2})([-/.])(\d{1,2})\2(\d{4})${TIME}`);

/**
 * Times of the cells (undefined cells give NaN), or undefined if a cell is no date or no order fits all of them. Where both day-first and month-first
 * fit, the one under which the column ascends is taken, else day-first.
 */
export function readDates(cells: readonly (string | undefined)[]): Float64Array | undefined {
  let fallback: Float64Array | undefined;
  for (const order of ["ymd", "dmy", "mdy"] as const) {
    const times = readAs(cells, order);
    if (times === undefined) continue;
    if (firstDescent(times) === -1) return times;
    fallback ??= times;
  }
  return fallback;
}

/** Index of the first known time that is earlier than one before it; -1 if the times ascend (equal times do). */
export function firstDescent(times: Float64Array): number {
  let latest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < times.length; i++) {
    if (times[i] < latest) return i;
    if (times[i] > latest) latest = times[i];
  }
  return -1;
}

function readAs(cells: readonly (string | undefined)[], order: Order): Float64Array | undefined {
  const times = new Float64Array(cells.length);
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i];
    const time = cell === undefined ? Number.NaN : readDate(cell.trim(), order);
    if (time === undefined) return undefined;
    times[i] = time;
  }
  return times;
}

function readDate(text: string, order: Order): number | undefined {
  const match = (order === "ymd" ? YEAR_FIRST : YEAR_LAST).exec(text);
  if (!match) return undefined;
  const [first, second, third] = [match[1], match[3], match[4]];
  const [year, month, day] = order === "ymd" ? [first, second, third ?? "1"] : order === "dmy" ? [third, second, first] : [third, first, second];
  const [hour = "0", minute = "0", secondOfMinute = "0", fraction = "0", half, zone] = match.slice(5);
  const date = Date.UTC(Number(year), Number(month) - 1, Number(day));
  // A day that the month lacks rolls over in Date.UTC.
  const made = new Date(date);
  if (Number(month) < 1 || made.getUTCMonth() !== Number(month) - 1 || made.getUTCDate() !== Number(day)) return undefined;
  let hours = Number(hour);
  if (half) hours = (hours % 12) + (half.toLowerCase() === "pm" ? 12 : 0);
  if (hours > 24 || Number(minute) > 59 || Number(secondOfMinute) > 60) return undefined;
  const offsetMinutes = zone && zone !== "Z" ? Number(`${zone[0]}1`) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2))) : 0;
  return date + ((hours * 60 + Number(minute) - offsetMinutes) * 60 + Number(secondOfMinute) + Number(`0.${fraction}`)) * 1000;
}
