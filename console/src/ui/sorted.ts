/** Rows that came whole, in the order that the address names: `sort=name`, or `sort=-name` for the highest first. */

import type { Chosen } from "./filters.js";
import type { Column, Order } from "./Table.js";

export function inOrder<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sort: string): readonly Row[] {
  const { by, isDown } = read(sort);
  const value = columns.find((column) => column.order === by)?.by;
  if (value === undefined) return rows;
  const sign = isDown ? -1 : 1;
  return [...rows].sort((one, other) => sign * compare(value(one), value(other)));
}

/**
 * The order that the address names, for the heads of a table.
 *
 * @param name its name in the address, where a page has several tables.
 */
export function orderOf(chosen: Chosen, name = "sort"): Order {
  const { by, isDown } = read(chosen.get(name));
  return { by, isDown, change: (column, down) => chosen.set({ [name]: down ? `-${column}` : column }) };
}

function read(sort: string): { readonly by: string; readonly isDown: boolean } {
  return { by: sort.replace(/^-/, ""), isDown: sort.startsWith("-") };
}

function compare(one: string | number, other: string | number): number {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other));
}
