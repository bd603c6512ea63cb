import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { Link, useSearchParams } from "wouter";
import { call, withQuery } from "../../app/api.js";
import { useEvery } from "../../app/live.js";
import { usd } from "../../ui/money.js";
import { type Column, Table } from "../../ui/Table.js";
import { Trouble } from "../../ui/Trouble.js";
import { duration, minute } from "../../ui/time.js";

const STATES = ["connecting", "active", "idle", "disconnecting", "disconnected", "error"] as const;
const PAGE = 50;

/** How often the list is read again, in milliseconds. */
const EVERY_MS = 3_000;

interface Session {
  readonly session_id: string;
  readonly user_id: string;
  readonly project_path: string;
  readonly status: (typeof STATES)[number];
  readonly cost_usd: number;
  readonly message_count: number;
  readonly duration_seconds: number;
  readonly started_at: string;
  readonly last_activity: string;
  readonly kind: string;
  readonly title: string;
}

const COLUMNS: readonly Column<Session>[] = [
  { title: "Session", show: (session) => <Name session={session} /> },
  { title: "User", show: (session) => session.user_id },
  { title: "Project", show: (session) => session.project_path },
  { title: "Status", show: (session) => session.status },
  { title: "Cost", isNumber: true, show: (session) => usd(session.cost_usd) },
  { title: "Messages", isNumber: true, show: (session) => session.message_count.toLocaleString("en-US") },
  { title: "Age", isNumber: true, show: (session) => duration(session.duration_seconds) },
  { title: "Last activity (UTC)", show: (session) => minute(session.last_activity) },
  { title: "Actions", show: (session) => <Interrupt session={session} /> },
];

/** All sessions that the person may see, newest activity first; filters and page stand in the address. */
export default function SessionsPage(): ReactElement {
  const every = useEvery(EVERY_MS);
  const [chosen, choose] = useSearchParams();
  const [status, user, cursor] = ["status", "user", "cursor"].map((name) => chosen.get(name) ?? "");
  const { data, error } = useQuery({
    queryKey: ["sessions", status, user, cursor],
    queryFn: ({ signal }) =>
      call<{ readonly sessions: readonly Session[]; readonly next_cursor: string | null }>(
        withQuery("/api/claude-code/sessions", { status, user_id: user, cursor, limit: PAGE }),
        { signal },
      ),
    refetchInterval: every,
    placeholderData: keepPreviousData,
  });
  const isFiltered = chosen.size > 0;
  const filter = (name: string, value: string): void =>
    choose((before) => {
      before.delete("cursor");
      if (value === "") before.delete(name);
      else before.set(name, value);
      return before;
    });
  return (
    <>
      <h1>Sessions</h1>
      <form
        className="tools"
        onSubmit={(event) => {
          event.preventDefault();
          filter("user", String(new FormData(event.currentTarget).get("user") ?? "").trim());
        }}
      >
        <label>
          Status{" "}
          <select aria-label="Status" value={status} onChange={(event) => filter("status", event.target.value)}>
            <option value="">all</option>
            {STATES.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label>
          User <input key={user} name="user" aria-label="User" defaultValue={user} size={12} maxLength={64} />
        </label>
        <button type="submit">Filter</button>
        {isFiltered && <Link href="/sessions">All sessions</Link>}
      </form>
      <Trouble error={error} />
      {data?.sessions.length === 0 && (
        <p className="quiet">
          {isFiltered
            ? "No session is like that."
            : "There is no session yet. A message that begins with `claude:` or with @ and a project's name opens one, in the chat, by text or by mail."}
        </p>
      )}
      {data !== undefined && data.sessions.length > 0 && (
        <Table name="Sessions" columns={COLUMNS} rows={data.sessions} keyOf={(session) => session.session_id} />
      )}
      {(cursor !== "" || (data?.next_cursor ?? null) !== null) && (
        <nav className="tools" aria-label="Pages of the list">
          {cursor !== "" && <Link href={withQuery("/sessions", { status, user })}>Newest</Link>}
          {data?.next_cursor != null && (
            <Link href={withQuery("/sessions", { status, user, cursor: data.next_cursor })}>Older</Link>
          )}
        </nav>
      )}
    </>
  );
}

function Name({ session }: { readonly session: Session }): ReactElement {
  if (session.kind === "chat")
    return <Link href={`/chat/${session.session_id}`}>{session.title || "Untitled chat"}</Link>;
  return <code>{session.session_id}</code>;
}

/** Stops the running turn; with none running the daemon does nothing. */
function Interrupt({ session }: { readonly session: Session }): ReactElement | null {
  const queries = useQueryClient();
  const path = `/api/claude-code/sessions/${encodeURIComponent(session.session_id)}/interrupt`;
  const interrupt = useMutation({
    mutationFn: () => call(path, { method: "POST" }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["sessions"] }),
  });
  if (session.status !== "active" || session.kind === "chat") return null;
  return (
    <>
      <button type="button" disabled={interrupt.isPending} onClick={() => interrupt.mutate()}>
        Interrupt<span className="hidden"> {session.session_id}</span>
      </button>
      <Trouble error={interrupt.error} />
    </>
  );
}
