import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { Link, useSearchParams } from "wouter";
import { call, withQuery } from "../../app/api.js";
import { useEvery } from "../../app/live.js";
import { useMe } from "../../app/me.js";
import { usd } from "../../ui/money.js";
import { type Column, Table } from "../../ui/Table.js";
import { Told } from "../../ui/Told.js";
import { Trouble } from "../../ui/Trouble.js";
import { duration, minute } from "../../ui/time.js";
import { Interrupt } from "./Interrupt.js";
import { nameOf, pageOf, type Session, STATES } from "./sessions.js";

const PAGE = 50;

/** How often the list is read again, in milliseconds. */
const EVERY_MS = 3_000;

const COLUMNS: readonly Column<Session>[] = [
  { title: "Session", show: (session) => <Name session={session} /> },
  { title: "User", show: (session) => session.user_id },
  {
    title: "Project",
    show: ({ project_path: path }) => <span title={path}>{path.split("/").at(-1)}</span>,
  },
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
          <Told>
            {isFiltered
              ? "No session is like that."
              : "There is no session yet. A message that begins with `claude:` or with @ and a project's name opens one, in the chat, by text or by mail."}
          </Told>
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

/** A link to what was said; a chat of somebody else has no page. */
function Name({ session }: { readonly session: Session }): ReactElement {
  const me = useMe();
  const { kind, title, session_id: id, user_id: owner } = session;
  if (kind !== "chat") {
    return (
      <Link href={pageOf(id)} title={id}>
        {nameOf(session)} <span className="quiet">…{id.slice(-6)}</span>
      </Link>
    );
  }
  if (owner !== me?.user_id) return <>{title || "Untitled chat"}</>;
  return <Link href={`/chat/${id}`}>{title || "Untitled chat"}</Link>;
}
