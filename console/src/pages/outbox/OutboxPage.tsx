import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { Link } from "wouter";
import { call, withQuery } from "../../app/api.js";
import { callChecked } from "../../app/check.js";
import { useMe } from "../../app/me.js";
import { Filters, Pages } from "../../ui/Filters.js";
import { FROM, useChosen } from "../../ui/filters.js";
import { type Column, Table } from "../../ui/Table.js";
import { Told } from "../../ui/Told.js";
import { Trouble } from "../../ui/Trouble.js";
import { second } from "../../ui/time.js";

const PAGE = 50;

/** How often the list is read again where nothing says that it changed, in milliseconds. */
const EVERY_MS = 15_000;

const STATES = ["failed", "pending", "sending", "sent", "delivered", "undelivered", "dead"] as const;

interface Reply {
  readonly reply_id: string;
  readonly user_id: string | null;
  readonly channel: string;
  readonly state: string;
  readonly attempts: number;
  readonly reason: string;
  readonly created_at: string;
}

interface Dropped {
  readonly id: number;
  readonly channel: string;
  readonly sender: string;
  readonly subject: string;
  readonly message: string;
  readonly reason: string;
  readonly at: string;
  readonly kept: boolean;
  readonly let_in_at: string | null;
}

const REPLIES: readonly Column<Reply>[] = [
  { title: "Written (UTC)", show: (one) => second(one.created_at) },
  { title: "To", show: (one) => one.user_id ?? "nobody known" },
  { title: "Channel", show: (one) => one.channel },
  { title: "State", show: (one) => one.state },
  { title: "Attempts", isNumber: true, show: (one) => one.attempts },
  { title: "Reason", isLong: true, show: (one) => one.reason },
];

const DROPPED: readonly Column<Dropped>[] = [
  { title: "At (UTC)", show: (one) => second(one.at) },
  { title: "Says it is from", show: (one) => one.sender },
  { title: "Channel", show: (one) => one.channel },
  { title: "Subject", isLong: true, show: (one) => one.subject },
  { title: "Beginning", isLong: true, show: (one) => one.message },
  { title: "Why it was dropped", isLong: true, show: (one) => one.reason },
  { title: "Actions", show: (one) => <LetIn dropped={one} /> },
];

/** Replies that leave by a channel, and messages that were dropped; view, filters and page stand in the address. */
export default function OutboxPage(): ReactElement {
  const chosen = useChosen();
  const isAdministrator = useMe()?.administers ?? false;
  const isDropped = isAdministrator && chosen.get("view") === "dropped";
  return (
    <>
      <h1>Outbox</h1>
      {isAdministrator && (
        <nav className="tools" aria-label="View">
          <Link href="/outbox" aria-current={isDropped ? undefined : "page"} className={isDropped ? "" : "here"}>
            Replies
          </Link>
          <Link
            href="/outbox?view=dropped"
            aria-current={isDropped ? "page" : undefined}
            className={isDropped ? "here" : ""}
          >
            Dropped messages
          </Link>
        </nav>
      )}
      {isDropped ? <DroppedList /> : <Replies />}
    </>
  );
}

function Replies(): ReactElement {
  const chosen = useChosen();
  const [state, user, channel, from] = ["state", "user", "channel", FROM].map(chosen.get);
  const { data, error } = useQuery({
    queryKey: ["replies", "list", state, user, channel, from],
    queryFn: ({ signal }) =>
      call<{ readonly replies: readonly Reply[]; readonly next: string | null }>(
        withQuery("/api/outbox", { state, user_id: user, channel, from, limit: PAGE }),
        { signal },
      ),
    refetchInterval: EVERY_MS,
    placeholderData: keepPreviousData,
  });
  const filters = [
    { name: "state", label: "State", options: STATES },
    { name: "user", label: "To" },
    { name: "channel", label: "Channel" },
  ];
  return (
    <>
      <Filters filters={filters} chosen={chosen} page="/outbox" />
      <Trouble error={error} />
      {data?.replies.length === 0 && (
        <p className="quiet">
          <Told>
            {chosen.isFiltered
              ? "No reply is like that. `failed` are those that were given up or reported as not delivered."
              : "Nothing was sent yet. An answer to a text or a mail is written here before it leaves."}
          </Told>
        </p>
      )}
      {data !== undefined && data.replies.length > 0 && (
        <Table name="Replies" columns={REPLIES} rows={data.replies} keyOf={(one) => one.reply_id} />
      )}
      <Pages chosen={chosen} next={data?.next ?? null} />
    </>
  );
}

function DroppedList(): ReactElement {
  const chosen = useChosen();
  const [channel, from] = ["channel", FROM].map(chosen.get);
  const { data, error } = useQuery({
    queryKey: ["dropped", channel, from],
    queryFn: ({ signal }) =>
      call<{ readonly dropped: readonly Dropped[]; readonly next: number | null }>(
        withQuery("/api/dropped", { channel, from, limit: PAGE }),
        { signal },
      ),
    refetchInterval: EVERY_MS,
    placeholderData: keepPreviousData,
  });
  return (
    <>
      <Filters filters={[{ name: "channel", label: "Channel" }]} chosen={chosen} page="/outbox?view=dropped" />
      <Trouble error={error} />
      {data?.dropped.length === 0 && (
        <p className="quiet">
          Nothing was dropped within 30 days. Mail and texts of strangers, forged mail and automatic answers come here.
        </p>
      )}
      {data !== undefined && data.dropped.length > 0 && (
        <Table name="Dropped messages" columns={DROPPED} rows={data.dropped} keyOf={(one) => String(one.id)} />
      )}
      <Pages chosen={chosen} next={data?.next == null ? null : String(data.next)} />
    </>
  );
}

/** Lets a message in as one of the user who has its address. */
function LetIn({ dropped }: { readonly dropped: Dropped }): ReactElement {
  const queries = useQueryClient();
  const isSignedIn = useMe()?.signed_in ?? false;
  const letIn = useMutation({
    mutationFn: () => callChecked(`/api/admin/dropped/${dropped.id}/let-in`, { method: "POST", body: {} }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["dropped"] }),
  });
  if (dropped.let_in_at !== null) return <>let in {second(dropped.let_in_at)}</>;
  if (!dropped.kept) return <span className="quiet">not kept</span>;
  if (!isSignedIn) return <code>xswarm mail dropped</code>;
  return (
    <>
      <button type="button" disabled={letIn.isPending} onClick={() => letIn.mutate()}>
        Let in<span className="hidden"> message {dropped.id}</span>
      </button>
      <Trouble error={letIn.error} />
    </>
  );
}
