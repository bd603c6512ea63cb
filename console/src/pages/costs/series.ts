/** What was spent by day and by whom, as stacked bars and as CSV. */

export interface CostRow {
  readonly key: string;
  readonly cost_usd: number;
  readonly message_count: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
}

export interface DayCost {
  /** A UTC day, YYYY-MM-DD. */
  readonly day: string;
  readonly cost_usd: number;
  readonly rows: readonly CostRow[];
}

export interface Bar {
  readonly day: string;
  readonly total: number;
  /** From the bottom up, in US dollars; `series` is the place of the key in `Stacked.keys`. */
  readonly parts: readonly { readonly series: number; readonly from: number; readonly to: number }[];
}

export interface Stacked {
  /** The most expensive first; the last one may be `OTHERS`. */
  readonly keys: readonly string[];
  readonly bars: readonly Bar[];
  /** The cost of the most expensive day. */
  readonly highest: number;
}

export const OTHERS = "all others";

/** The most series that colours tell apart. */
export const MOST_SERIES = 7;

/** The bars of days; keys beyond the most expensive ones are one series. */
export function stacked(days: readonly DayCost[]): Stacked {
  const sums = new Map<string, number>();
  for (const { rows } of days) {
    for (const row of rows) sums.set(row.key, (sums.get(row.key) ?? 0) + row.cost_usd);
  }
  const sorted = [...sums.entries()]
    .filter(([, sum]) => sum > 0)
    .sort(([one, a], [other, b]) => b - a || one.localeCompare(other))
    .map(([key]) => key);
  const isCut = sorted.length > MOST_SERIES;
  const keys = isCut ? [...sorted.slice(0, MOST_SERIES - 1), OTHERS] : sorted;
  const bars = days.map(({ day, cost_usd, rows }) => {
    const amounts = keys.map(() => 0);
    for (const row of rows) {
      const own = keys.indexOf(row.key);
      const series = own >= 0 ? own : isCut ? keys.length - 1 : -1;
      if (series >= 0) amounts[series] = (amounts[series] ?? 0) + row.cost_usd;
    }
    let from = 0;
    const parts = amounts.flatMap((amount, series) => {
      if (amount === 0) return [];
      const part = { series, from, to: from + amount };
      from = part.to;
      return [part];
    });
    return { day, total: cost_usd, parts };
  });
  return { keys, bars, highest: Math.max(0, ...bars.map((bar) => bar.parts.at(-1)?.to ?? 0)) };
}

/** UTC days: `since` is `days` - 1 days before the day of `nowMs`, `until` the day after it, excluded. */
export function range(days: number, nowMs: number): { readonly since: string; readonly until: string } {
  const day = 86_400_000;
  const name = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  return { since: name(nowMs - (days - 1) * day), until: name(nowMs + day) };
}

/** The rows of days as CSV (RFC 4180). */
export function csvOf(days: readonly DayCost[], split: string): string {
  const lines = [["day_utc", split, "cost_usd", "messages", "input_tokens", "output_tokens"]];
  for (const { day, rows } of days) {
    for (const row of rows) {
      const counts = [row.cost_usd, row.message_count, row.input_tokens, row.output_tokens].map(String);
      lines.push([day, row.key, ...counts]);
    }
  }
  return `${lines.map((line) => line.map(cell).join(",")).join("\r\n")}\r\n`;
}

/** A cell; one that a spreadsheet would take for a formula begins with an apostrophe. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
