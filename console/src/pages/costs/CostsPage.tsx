import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { call, withQuery } from "../../app/api.js";
import { useEvery } from "../../app/live.js";
import { useChosen } from "../../ui/filters.js";
import { usd } from "../../ui/money.js";
import { save } from "../../ui/save.js";
import { inOrder, orderOf } from "../../ui/sorted.js";
import { type Column, Table } from "../../ui/Table.js";
import { Trouble } from "../../ui/Trouble.js";
import { StackedBars } from "./StackedBars.js";
import { type CostRow, csvOf, type DayCost, range, stacked } from "./series.js";

const SPLITS = ["user", "project", "model", "channel", "session"] as const;
const DAYS = [7, 30, 90] as const;

/** How often the costs are read again, in milliseconds. */
const EVERY_MS = 15_000;

/** What was spent: by day as bars, in all as a table, and as CSV. What is chosen stands in the address. */
export default function CostsPage(): ReactElement {
  const every = useEvery(EVERY_MS);
  const chosen = useChosen();
  const split = SPLITS.find((one) => one === chosen.get("by")) ?? "user";
  const count = DAYS.find((one) => String(one) === chosen.get("days")) ?? 30;
  const { since, until } = range(count, Date.now());
  const daily = useQuery({
    queryKey: ["costs", "days", since, until, split],
    queryFn: ({ signal }) =>
      call<{ readonly total_usd: number; readonly days: readonly DayCost[] }>(
        withQuery("/api/costs/days", { since, until, split_by: split }),
        { signal },
      ),
    refetchInterval: every,
    placeholderData: keepPreviousData,
  });
  const sums = useQuery({
    queryKey: ["costs", "sums", since, until, split],
    queryFn: ({ signal }) =>
      call<{ readonly rows: readonly CostRow[] }>(withQuery("/api/costs", { since, until, group_by: split }), {
        signal,
      }),
    refetchInterval: every,
    placeholderData: keepPreviousData,
  });
  const chart = stacked(daily.data?.days ?? []);
  const columns = columnsOf(split, chart.keys);
  return (
    <>
      <h1>Costs</h1>
      <div className="tools">
        <label>
          By{" "}
          <select aria-label="By" value={split} onChange={(event) => chosen.set({ by: event.target.value })}>
            {SPLITS.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label>
          Days{" "}
          <select aria-label="Days" value={count} onChange={(event) => chosen.set({ days: event.target.value })}>
            {DAYS.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <button
          type="button"
          disabled={daily.data === undefined}
          onClick={() => save(`costs-${since}-${split}.csv`, "text/csv", csvOf(daily.data?.days ?? [], split))}
        >
          Save as CSV
        </button>
      </div>
      <Trouble error={daily.error ?? sums.error} />
      {chart.highest > 0 && <StackedBars chart={chart} />}
      {sums.data?.rows.length === 0 && (
        <p className="quiet">
          Nothing was asked in these days. Each answer of a model is counted here when it has ended.
        </p>
      )}
      {sums.data !== undefined && sums.data.rows.length > 0 && (
        <Table
          name="Costs"
          columns={columns}
          rows={inOrder(sums.data.rows, columns, chosen.get("sort"))}
          keyOf={(row) => row.key}
          order={orderOf(chosen)}
          foot={daily.data === undefined ? [] : ["Total", usd(daily.data.total_usd)]}
        />
      )}
    </>
  );
}

const NUMBERS = [
  { title: "Messages", order: "messages", by: (row: CostRow) => row.message_count },
  { title: "Tokens in", order: "in", by: (row: CostRow) => row.input_tokens },
  { title: "Tokens out", order: "out", by: (row: CostRow) => row.output_tokens },
] as const;

/** The columns of the sums; each row has the colour of its bars. */
function columnsOf(split: string, keys: readonly string[]): readonly Column<CostRow>[] {
  return [
    {
      title: split.charAt(0).toUpperCase() + split.slice(1),
      order: "name",
      by: (row) => row.key,
      show: (row) => (
        <>
          <span className={`dot series-${keys.includes(row.key) ? keys.indexOf(row.key) : keys.length - 1}`} />
          {row.key || "none"}
        </>
      ),
    },
    { title: "Cost", isNumber: true, order: "cost", by: (row) => row.cost_usd, show: (row) => usd(row.cost_usd) },
    ...NUMBERS.map(
      (one): Column<CostRow> => ({ ...one, isNumber: true, show: (row) => one.by(row).toLocaleString("en-US") }),
    ),
  ];
}
