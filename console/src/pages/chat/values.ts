/** Values of JSON. */

export type JsonRecord = { readonly [name: string]: unknown };

/** The most columns of a table; rows with more fields are shown one by one. */
const MOST_COLUMNS = 8;

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The columns of rows, in the order in which they first come; null = they make no table. */
export function columnsOf(items: readonly unknown[]): readonly string[] | null {
  if (items.length === 0 || !items.every(isRecord)) return null;
  const names = [...new Set(items.flatMap((item) => Object.keys(item)))];
  return names.length > 0 && names.length <= MOST_COLUMNS ? names : null;
}
