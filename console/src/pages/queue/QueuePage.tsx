import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { call } from "../../app/api.js";
import { useEvery } from "../../app/live.js";
import { useChosen } from "../../ui/filters.js";
import { inOrder, orderOf } from "../../ui/sorted.js";
import { type Column, Table } from "../../ui/Table.js";
import { Trouble } from "../../ui/Trouble.js";
import { minute } from "../../ui/time.js";
import { Text } from "../messages/messages.js";

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
  {
    title: "Message",
    order: "message",
    by: (one) => one.message,
    show: (one) => <Text text={one.message} session={one.session_id} message={one.message_id} />,
  },
  { title: "Place", isNumber: true, order: "place", by: (one) => one.place, show: (one) => one.place },
  { title: "User", order: "user", by: (one) => one.user_id, show: (one) => one.user_id },
  { title: "Channel", order: "channel", by: (one) => one.channel, show: (one) => one.channel },
  { title: "Project", order: "project", by: (one) => one.project, show: (one) => one.project || "none" },
  { title: "Since (UTC)", order: "since", by: (one) => one.accepted_at, show: (one) => minute(one.accepted_at) },
  { title: "Actions", show: (one) => <Cancel waiting={one} /> },
];

const REPLIES: readonly Column<Reply>[] = [
  { title: "Reason", order: "reason", by: (one) => one.reason, show: (one) => one.reason || "late" },
  { title: "State", order: "state", by: (one) => one.state, show: (one) => one.state },
  { title: "User", order: "user", by: (one) => one.user_id ?? "", show: (one) => one.user_id ?? "none" },
  { title: "Channel", order: "channel", by: (one) => one.channel, show: (one) => one.channel },
  { title: "Attempts", isNumber: true, order: "attempts", by: (one) => one.attempts, show: (one) => one.attempts },
  { title: "Since (UTC)", order: "since", by: (one) => one.created_at, show: (one) => minute(one.created_at) },
];

/** Messages that wait for their turn, and replies that do not leave. */
export default function QueuePage(): ReactElement {
  const every = useEvery(EVERY_MS);
  const chosen = useChosen();
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
        <Table
          name="Messages that wait"
          columns={WAITING}
          rows={inOrder(queue.data.queue, WAITING, chosen.get("sort"))}
          keyOf={(one) => one.message_id}
          order={orderOf(chosen)}
        />
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
          rows={inOrder(replies.data.replies, REPLIES, chosen.get("replies"))}
          keyOf={(one) => one.reply_id}
          order={orderOf(chosen, "replies")}
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
