import { describe, expect, it } from "vitest";
import { type CostRow, csvOf, MOST_SERIES, OTHERS, range, stacked } from "../../src/pages/costs/series.js";
import { usd } from "../../src/ui/money.js";

function row(key: string, cost: number): CostRow {
  return { key, cost_usd: cost, message_count: 1, input_tokens: 2, output_tokens: 3 };
}

describe("stacked bars", () => {
  it("put the most expensive at the bottom of each day", () => {
    const chart = stacked([
      { day: "2026-11-28", cost_usd: 3, rows: [row("bob", 2), row("ada", 1)] },
      { day: "2026-11-29", cost_usd: 0, rows: [] },
      { day: "2026-11-30", cost_usd: 4, rows: [row("ada", 4), row("eve", 0)] },
    ]);
    expect(chart.keys).toEqual(["ada", "bob"]);
    expect(chart.highest).toBe(4);
    expect(chart.bars.map((bar) => bar.parts)).toEqual([
      [
        { series: 0, from: 0, to: 1 },
        { series: 1, from: 1, to: 3 },
      ],
      [],
      [{ series: 0, from: 0, to: 4 }],
    ]);
  });

  it("lose no cent of the keys that share a colour", () => {
    const rows = Array.from({ length: MOST_SERIES + 3 }, (_, place) => row(`u${place}`, place + 1));
    const chart = stacked([{ day: "2026-11-30", cost_usd: 55, rows }]);
    expect(chart.keys).toHaveLength(MOST_SERIES);
    expect(chart.keys.at(-1)).toBe(OTHERS);
    expect(chart.highest).toBe(55);
  });

  it("of nothing have no height", () => {
    expect(stacked([])).toEqual({ keys: [], bars: [], highest: 0 });
  });
});

describe("costs", () => {
  it("are of UTC days, the last one being today", () => {
    expect(range(7, Date.parse("2026-11-30T23:59:59-05:00"))).toEqual({ since: "2026-11-25", until: "2026-12-02" });
  });

  it.each([
    [0, "$0.00"],
    [0.0004, "$0.0004"],
    [0.0000012, "$0.000001"],
    [0.005, "$0.01"],
    [1_234.5, "$1,234.50"],
  ])("of %d are written as %s", (amount, text) => {
    expect(usd(amount)).toBe(text);
  });

  it("are no formulas in a spreadsheet", () => {
    const days = [{ day: "2026-11-30", cost_usd: 1, rows: [row('=cmd|"x", y', 1)] }];
    expect(csvOf(days, "user")).toBe(
      'day_utc,user,cost_usd,messages,input_tokens,output_tokens\r\n2026-11-30,"\'=cmd|""x"", y",1,1,2,3\r\n',
    );
  });
});
