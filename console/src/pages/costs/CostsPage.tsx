import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { useSearchParams } from "wouter";
import { call, withQuery } from "../../app/api.js";
import { useEvery } from "../../app/live.js";
import { usd } from "../../ui/money.js";
import { save } from "../../ui/save.js";
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
  const [chosen, choose] = useSearchParams();
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
  const set = (name: string, value: string): void =>
    choose((before) => {
      before.set(name, value);
      return before;
    });
  const chart = stacked(daily.data?.days ?? []);
  return (
    <>
      <h1>Costs</h1>
      <div className="tools">
        <label>
          By{" "}
          <select aria-label="By" value={split} onChange={(event) => set("by", event.target.value)}>
            {SPLITS.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label>
          Days{" "}
          <select aria-label="Days" value={count} onChange={(event) => set("days", event.target.value)}>
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
        <Sums rows={sums.data.rows} total={daily.data?.total_usd ?? null} split={split} keys={chart.keys} />
      )}
    </>
  );
}

function Sums({
  rows,
  total,
  split,
  keys,
}: {
  readonly rows: readonly CostRow[];
  readonly total: number | null;
  readonly split: string;
  readonly keys: readonly string[];
}): ReactElement {
  return (
    // biome-ignore lint/a11y/useSemanticElements: it scrolls, so the keyboard must reach it
    <div className="wide" role="group" aria-label="Costs" tabIndex={0}>
      <table className="numbers">
        <thead>
          <tr>
            {[split, "Cost", "Messages", "Tokens in", "Tokens out"].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key}>
              <th scope="row">
                <span className={`dot series-${keys.includes(row.key) ? keys.indexOf(row.key) : keys.length - 1}`} />
                {row.key || "none"}
              </th>
              <td>{usd(row.cost_usd)}</td>
              <td>{row.message_count.toLocaleString("en-US")}</td>
              <td>{row.input_tokens.toLocaleString("en-US")}</td>
              <td>{row.output_tokens.toLocaleString("en-US")}</td>
            </tr>
          ))}
        </tbody>
        {total !== null && (
          <tfoot>
            <tr>
              <th scope="row">Total</th>
              <td>{usd(total)}</td>
              <td colSpan={3} />
            </tr>
          </tfoot>
        )}
      </table>
    </div>
  );
}
