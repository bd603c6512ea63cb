import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { call } from "../../app/api.js";
import { useEvery } from "../../app/live.js";
import { type Column, Table } from "../../ui/Table.js";
import { Trouble } from "../../ui/Trouble.js";
import { minute } from "../../ui/time.js";

/** How often both lists are read again, in milliseconds. */
const EVERY_MS = 2_000;

interface Waiting {
  readonly message_id: string;
  readonly session_id: string | null;
  readonly user_id: string;
  readonly project: string;
  readonly channel: string;
  readonly place: number;
  readonly message: string;
  readonly accepted_at: string;
}

interface Reply {
  readonly reply_id: string;
  readonly user_id: string | null;
  readonly channel: string;
  readonly state: string;
  readonly attempts: number;
  readonly reason: string;
  readonly created_at: string;
}

const WAITING: readonly Column<Waiting>[] = [
  { title: "Message", show: (one) => one.message || "not yours to read" },
  { title: "Place", isNumber: true, show: (one) => one.place },
  { title: "User", show: (one) => one.user_id },
  { title: "Channel", show: (one) => one.channel },
  { title: "Project", show: (one) => one.project },
  { title: "Since (UTC)", show: (one) => minute(one.accepted_at) },
  { title: "Actions", show: (one) => <Cancel waiting={one} /> },
];

const REPLIES: readonly Column<Reply>[] = [
  { title: "Reason", show: (one) => one.reason || "late" },
  { title: "State", show: (one) => one.state },
  { title: "User", show: (one) => one.user_id ?? "none" },
  { title: "Channel", show: (one) => one.channel },
  { title: "Attempts", isNumber: true, show: (one) => one.attempts },
  { title: "Since (UTC)", show: (one) => minute(one.created_at) },
];

/** Messages that wait for their turn, and replies that do not leave. */
export default function QueuePage(): ReactElement {
  const every = useEvery(EVERY_MS);
  const queue = useQuery({
    queryKey: ["queue"],
    queryFn: ({ signal }) => call<{ readonly queue: readonly Waiting[] }>("/api/queue", { signal }),
    refetchInterval: every,
  });
  const replies = useQuery({
    queryKey: ["replies"],
    queryFn: ({ signal }) => call<{ readonly replies: readonly Reply[] }>("/api/replies", { signal }),
    refetchInterval: every,
  });
  return (
    <>
      <h1>Queue</h1>
      <h2>Messages that wait</h2>
      <Trouble error={queue.error} />
      {queue.data?.queue.length === 0 && (
        <p className="quiet">Nothing waits. A message waits here while another one of its session or project runs.</p>
      )}
      {queue.data !== undefined && queue.data.queue.length > 0 && (
        <Table name="Messages that wait" columns={WAITING} rows={queue.data.queue} keyOf={(one) => one.message_id} />
      )}
      <h2 className="below">Replies that do not leave</h2>
      <Trouble error={replies.error} />
      {replies.data?.replies.length === 0 && (
        <p className="quiet">
          Every reply has left. One that is ten minutes late, or could not be delivered within the last day, is here.
        </p>
      )}
      {replies.data !== undefined && replies.data.replies.length > 0 && (
        <Table
          name="Replies that do not leave"
          columns={REPLIES}
          rows={replies.data.replies}
          keyOf={(one) => one.reply_id}
        />
      )}
    </>
  );
}

function Cancel({ waiting }: { readonly waiting: Waiting }): ReactElement {
  const queries = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => call(`/api/messages/${encodeURIComponent(waiting.message_id)}`, { method: "DELETE" }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["queue"] }),
  });
  return (
    <>
      <button type="button" disabled={cancel.isPending} onClick={() => cancel.mutate()}>
        Remove<span className="hidden"> {waiting.message_id}</span>
      </button>
      <Trouble error={cancel.error} />
    </>
  );
}
