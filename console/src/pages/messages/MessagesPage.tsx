import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { call, withQuery } from "../../app/api.js";
import { Filters, Pages } from "../../ui/Filters.js";
import { FROM, useChosen } from "../../ui/filters.js";
import { Table } from "../../ui/Table.js";
import { Trouble } from "../../ui/Trouble.js";
import { COLUMNS, type MessageRow } from "./messages.js";

const PAGE = 50;

/** How often the list is read again where nothing says that it changed, in milliseconds. */
const EVERY_MS = 15_000;

const STATES = ["pending", "running", "waiting", "completed", "failed", "interrupted", "cancelled"] as const;

const FILTERS = [
  { name: "state", label: "State", options: STATES },
  { name: "channel", label: "Channel" },
  { name: "user", label: "User" },
  { name: "project", label: "Project" },
] as const;

/** What came in by every channel, newest first; filters and page stand in the address. */
export default function MessagesPage(): ReactElement {
  const chosen = useChosen();
  const [state, channel, user, project, from] = ["state", "channel", "user", "project", FROM].map(chosen.get);
  const { data, error } = useQuery({
    queryKey: ["messages", state, channel, user, project, from],
    queryFn: ({ signal }) =>
      call<{ readonly messages: readonly MessageRow[]; readonly next: string | null }>(
        withQuery("/api/messages", { state, channel, user_id: user, project, from, limit: PAGE }),
        { signal },
      ),
    refetchInterval: EVERY_MS,
    placeholderData: keepPreviousData,
  });
  return (
    <>
      <h1>Messages</h1>
      <Filters filters={FILTERS} chosen={chosen} page="/messages" />
      <Trouble error={error} />
      {data?.messages.length === 0 && (
        <p className="quiet">
          {chosen.isFiltered
            ? "No message is like that. Channels are sms, mail, chat, terminal, api and http."
            : "Nothing was written yet. What comes by text, mail, chat, terminal or a program appears here."}
        </p>
      )}
      {data !== undefined && data.messages.length > 0 && (
        <Table name="Messages" columns={COLUMNS} rows={data.messages} keyOf={(one) => one.message_id} />
      )}
      <Pages chosen={chosen} next={data?.next ?? null} />
    </>
  );
}
