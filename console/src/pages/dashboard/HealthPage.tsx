import type { ReactElement } from "react";
import { Link } from "wouter";
import { useChosen } from "../../ui/filters.js";
import { inOrder, orderOf } from "../../ui/sorted.js";
import { type Column, Table } from "../../ui/Table.js";
import { Trouble } from "../../ui/Trouble.js";
import { counted, useHealth } from "./health.js";

type Part = readonly [name: string, state: string];

const COLUMNS: readonly Column<Part>[] = [
  { title: "Part", order: "part", by: ([name]) => name, show: ([name]) => name.replaceAll("_", " ") },
  { title: "State", order: "state", by: ([, state]) => state, show: ([, state]) => <State state={state} /> },
];

/** The list behind the health on the dashboard: every part of the daemon, and whether it works. */
export default function HealthPage(): ReactElement {
  const { data, error } = useHealth();
  const chosen = useChosen();
  return (
    <>
      <h1>Health</h1>
      <p>
        <Link href="/dashboard">Dashboard</Link>
      </p>
      <Trouble error={error} />
      {data !== undefined && (
        <>
          <p role="status">{counted(data)}.</p>
          <Table
            name="Parts"
            columns={COLUMNS}
            rows={inOrder(Object.entries(data.parts), COLUMNS, chosen.get("sort"))}
            keyOf={([name]) => name}
            order={orderOf(chosen)}
          />
        </>
      )}
      <p className="quiet">
        These are the daemon's own parts. A provider that is down fails none of them; replies that it does not take are
        in the <Link href="/queue">queue</Link>. <code>xswarm doctor</code> on the daemon's machine checks more, and
        says what to do.
      </p>
    </>
  );
}

function State({ state }: { readonly state: string }): ReactElement {
  return state === "ok" ? <>works</> : <strong className="bad">fails</strong>;
}
