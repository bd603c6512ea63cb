/** Values of JSON. */

export type JsonRecord = { readonly [name: string]: unknown };

/** The most columns of a table; rows with more fields are shown one by one. */
const MOST_COLUMNS = 8;

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value needs the whole width. */
export function hasParts(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : isRecord(value);
}

/** The columns of rows, in the order in which they first come; null = they make no table. */
export function columnsOf(items: readonly unknown[]): readonly string[] | null {
  if (items.length === 0 || !items.every(isRecord)) return null;
  const names = [...new Set(items.flatMap((item) => Object.keys(item)))];
  return names.length > 0 && names.length <= MOST_COLUMNS ? names : null;
}

const TIME = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?$/;

/** A value that has no parts, as people read it: nothing for null, and a time with its zone behind it. */
export function plainOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  const [, day, time, zone] = (typeof value === "string" && TIME.exec(value)) || [];
  if (day === undefined) return String(value);
  if (zone === undefined) return `${day} ${time}`;
  return `${day} ${time} (UTC${zone === "Z" ? "" : zone})`;
}
