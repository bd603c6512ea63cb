import { useQuery } from "@tanstack/react-query";
import { type ReactElement, type ReactNode, useId } from "react";
import { Link } from "wouter";
import { call, withQuery } from "../../app/api.js";
import { useEvery, useIsLive } from "../../app/live.js";
import { usd } from "../../ui/money.js";
import { Table } from "../../ui/Table.js";
import { Trouble } from "../../ui/Trouble.js";
import { AGENTS, FILES, useAgents, useStatistics } from "../agents/agents.js";
import { useApprovals } from "../approvals/approvals.js";
import { range } from "../costs/series.js";
import { COLUMNS, type MessageRow } from "../messages/messages.js";
import { counted, useHealth } from "./health.js";

/** How often a list is read again where nothing says that it changed, in milliseconds. */
const EVERY_MS = 3_000;

const MOST = 500;
const NEWEST = 8;

interface Budget {
  readonly scope: string;
  readonly id: string;
  readonly limit_usd: number;
  readonly spent_usd: number;
  readonly held_usd: number;
}

/** What runs and waits, what comes in, what it costs, and whether everything works; each number opens its list. */
export default function DashboardPage(): ReactElement {
  const isLive = useIsLive();
  return (
    <>
      <h1>Dashboard</h1>
      <p className="quiet" role="status">
        {isLive ? "Live" : "Not connected: read again every few seconds"}
      </p>
      <div className="tiles">
        <Work />
        <Questions />
        <Deliveries />
        <Spend />
        <Health />
      </div>
      <Incoming />
      <AgentsNow />
    </>
  );
}

/** One number with its name; it opens the list behind it. */
function Tile({
  name,
  number,
  href,
  isBad = false,
  children,
}: {
  readonly name: string;
  readonly number: ReactNode;
  readonly href?: string;
  readonly isBad?: boolean;
  readonly children?: ReactNode;
}): ReactElement {
  const id = useId();
  return (
    <section className={isBad ? "tile bad" : "tile"} aria-labelledby={id}>
      <h2 id={id}>{name}</h2>
      <p className="figure">{href === undefined ? number : <Link href={href}>{number}</Link>}</p>
      {children}
    </section>
  );
}

function useMessages(state: string, limit: number) {
  return useQuery({
    queryKey: ["messages", "dashboard", state, limit],
    queryFn: async ({ signal }) =>
      (
        await call<{ readonly messages: readonly MessageRow[] }>(withQuery("/api/messages", { state, limit }), {
          signal,
        })
      ).messages,
    refetchInterval: useEvery(EVERY_MS),
  });
}

/** A count that may be cut. */
function count(rows: readonly unknown[] | undefined): string {
  if (rows === undefined) return "…";
  return rows.length === MOST ? `${MOST}+` : String(rows.length);
}

function Work(): ReactElement {
  const running = useMessages("running", MOST);
  const waiting = useMessages("pending", MOST);
  return (
    <>
      <Tile name="Running" number={count(running.data)} href="/messages?state=running">
        <Trouble error={running.error} />
        <ul>
          {running.data?.slice(0, 5).map((one) => (
            <li key={one.message_id}>
              {one.user_id}, {one.project || one.target}
              {one.waits_on.length > 0 && <strong> waits on {one.waits_on.join(", ")}</strong>}
            </li>
          ))}
        </ul>
      </Tile>
      <Tile name="Waiting" number={count(waiting.data)} href="/queue">
        <Trouble error={waiting.error} />
        <ul>
          {waiting.data?.slice(0, 5).map((one) => (
            <li key={one.message_id}>
              {one.user_id}, {one.project || one.target}
            </li>
          ))}
        </ul>
      </Tile>
    </>
  );
}

function Questions(): ReactElement {
  const { data, error } = useApprovals();
  return (
    <Tile name="Open questions for you" number={count(data)} href="/approvals">
      <Trouble error={error} />
    </Tile>
  );
}

function Deliveries(): ReactElement {
  const { data, error } = useQuery({
    queryKey: ["replies", "dashboard"],
    queryFn: async ({ signal }) =>
      (await call<{ readonly replies: readonly unknown[] }>(withQuery("/api/replies", { limit: MOST }), { signal }))
        .replies,
    refetchInterval: useEvery(EVERY_MS),
  });
  return (
    <Tile name="Failing deliveries" number={count(data)} href="/queue" isBad={(data?.length ?? 0) > 0}>
      <Trouble error={error} />
    </Tile>
  );
}

function Spend(): ReactElement {
  const { data, error } = useQuery({
    queryKey: ["costs", "budgets"],
    queryFn: async ({ signal }) =>
      (await call<{ readonly budgets: readonly Budget[] }>("/api/budgets", { signal })).budgets,
    refetchInterval: useEvery(EVERY_MS),
  });
  const { since, until } = range(1, Date.now());
  const today = useQuery({
    queryKey: ["costs", "today", since],
    queryFn: async ({ signal }) =>
      (await call<{ readonly total_usd: number }>(withQuery("/api/costs", { since, until }), { signal })).total_usd,
    refetchInterval: useEvery(EVERY_MS),
  });
  return (
    <Tile
      name="Spent today (UTC)"
      number={today.data === undefined ? "…" : usd(today.data)}
      href="/costs?days=7"
      isBad={data?.some((one) => one.spent_usd + one.held_usd >= one.limit_usd) ?? false}
    >
      <Trouble error={error ?? today.error} />
      <ul>
        {data?.map((one) => (
          <li key={`${one.scope} ${one.id}`}>
            {one.scope === "system" ? "all" : one.id}: {usd(one.spent_usd)} of {usd(one.limit_usd)}
            {one.held_usd > 0 && `, ${usd(one.held_usd)} held`}
          </li>
        ))}
      </ul>
    </Tile>
  );
}

function Health(): ReactElement {
  const { data, error } = useHealth();
  const failed = Object.entries(data?.parts ?? {}).filter(([, state]) => state !== "ok");
  return (
    <Tile name="Health" number={data?.status ?? "…"} href="/dashboard/health" isBad={failed.length > 0}>
      <Trouble error={error} />
      <ul>
        {failed.length === 0 && data !== undefined && <li>{counted(data)}</li>}
        {failed.map(([part]) => (
          <li key={part}>{part.replaceAll("_", " ")} fails</li>
        ))}
      </ul>
    </Tile>
  );
}

interface ChannelCount {
  readonly key: string;
  readonly message_count: number;
}

function Incoming(): ReactElement {
  const newest = useMessages("", NEWEST);
  const { since, until } = range(1, Date.now());
  const channels = useQuery({
    queryKey: ["messages", "channels", since],
    queryFn: async ({ signal }) =>
      (
        await call<{ readonly rows: readonly ChannelCount[] }>(
          withQuery("/api/costs", { since, until, group_by: "channel" }),
          { signal },
        )
      ).rows,
    refetchInterval: useEvery(EVERY_MS),
  });
  return (
    <>
      <h2 className="below">Messages</h2>
      <p>
        {channels.data?.length === 0 && <span className="quiet">None today (UTC).</span>}
        {channels.data?.map((one) => (
          <Link key={one.key} className="channel" href={withQuery("/messages", { channel: one.key })}>
            {one.key || "none"} {one.message_count.toLocaleString("en-US")}
          </Link>
        ))}
      </p>
      <Trouble error={newest.error ?? channels.error} />
      {newest.data?.length === 0 && (
        <p className="quiet">Nothing was written yet. A text, a mail or a message in the chat appears here at once.</p>
      )}
      {newest.data !== undefined && newest.data.length > 0 && (
        <Table name="Newest messages" columns={COLUMNS} rows={newest.data} keyOf={(one) => one.message_id} />
      )}
    </>
  );
}

function AgentsNow(): ReactElement {
  const agents = useAgents();
  const statistics = useStatistics();
  const files = statistics.data?.recent_operations ?? [];
  return (
    <>
      <h2 className="below">
        <Link href="/agents">Agents: {agents.data?.length ?? 0}</Link>
      </h2>
      <Trouble error={agents.error ?? statistics.error} />
      {agents.data !== undefined && agents.data.length > 0 && (
        <Table name="Agents" columns={AGENTS} rows={agents.data} keyOf={(one) => one.name} />
      )}
      <h2 className="below">
        <Link href="/changes">File operations: {statistics.data?.total_file_operations ?? 0}</Link>
      </h2>
      {files.length > 0 && <Table name="File operations" columns={FILES} rows={files} keyOf={(one) => one.id} />}
      {files.length === 0 && (
        <p className="quiet">No file was changed yet. What a turn or a program does to files appears here.</p>
      )}
    </>
  );
}
