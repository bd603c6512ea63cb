import { describe, expect, it } from "vitest";
import { inOrder } from "../../src/ui/sorted.js";
import type { Column } from "../../src/ui/Table.js";

interface Row {
  readonly name: string;
  readonly count: number;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: "Name", order: "name", by: (row) => row.name, show: (row) => row.name },
  { title: "Count", order: "count", by: (row) => row.count, show: (row) => row.count },
  { title: "Other", order: "other", show: () => "" },
];
const ROWS: readonly Row[] = [
  { name: "b", count: 10 },
  { name: "a", count: 9 },
];

describe("rows", () => {
  it("are put in the order that the address names", () => {
    const names = (sort: string): string =>
      inOrder(ROWS, COLUMNS, sort)
        .map((row) => row.name)
        .join("");
    expect([names("name"), names("-name"), names("count"), names("-count")]).toEqual(["ab", "ba", "ab", "ba"]);
  });

  it("keep the daemon's order where it names none that is known", () => {
    for (const sort of ["", "other", "unknown"]) expect(inOrder(ROWS, COLUMNS, sort)).toEqual(ROWS);
  });
});
