import type { ReactElement } from "react";
import { Link } from "wouter";
import { Filters } from "../../ui/Filters.js";
import { useChosen } from "../../ui/filters.js";
import { inOrder, orderOf } from "../../ui/sorted.js";
import { type Column, Table } from "../../ui/Table.js";
import { Trouble } from "../../ui/Trouble.js";
import { second } from "../../ui/time.js";
import { AGENTS, type Conversation, useAgents, useConversations, useStatistics } from "./agents.js";

const CONVERSATIONS: readonly Column<Conversation>[] = [
  { title: "Conversation", show: (one) => <Link href={`/agents/${encodeURIComponent(one.id)}`}>{one.id}</Link> },
  { title: "Agents", isLong: true, show: (one) => one.agents.join(", ") },
  { title: "Status", order: "status", by: (one) => one.status, show: (one) => one.status },
  {
    title: "Messages",
    isNumber: true,
    order: "messages",
    by: (one) => one.message_count,
    show: (one) => one.message_count.toLocaleString("en-US"),
  },
  { title: "Last words", isLong: true, show: (one) => one.messages.at(-1)?.content ?? "" },
  { title: "Begun (UTC)", order: "begun", by: (one) => one.start_time, show: (one) => second(one.start_time) },
];

/** Agents of programs, e.g. of AutoGen, and what they say to each other; filters and order stand in the address. */
export default function AgentsPage(): ReactElement {
  const chosen = useChosen();
  const agents = useAgents();
  const conversations = useConversations();
  const statistics = useStatistics().data;
  const status = chosen.get("status");
  const shown = conversations.data?.filter((one) => status === "" || one.status === status) ?? [];
  return (
    <>
      <h1>Agents</h1>
      {statistics !== undefined && (
        <p className="quiet">
          Conversations: {statistics.total_conversations}, of which {statistics.active_conversations} go on. Messages:{" "}
          {statistics.total_messages}. File operations: {statistics.total_file_operations}.
        </p>
      )}
      <h2>What they do</h2>
      <Trouble error={agents.error} />
      {agents.data?.length === 0 && (
        <p className="quiet">
          No agent has reported anything. A program reports by POST /api/agents/events, or with the Python package's
          monitor; the AutoGen example does.
        </p>
      )}
      {agents.data !== undefined && agents.data.length > 0 && (
        <Table
          name="What they do"
          columns={AGENTS}
          rows={inOrder(agents.data, AGENTS, chosen.get("sort"))}
          keyOf={(one) => one.name}
          order={orderOf(chosen)}
        />
      )}
      <h2 className="below">Conversations</h2>
      <Filters
        filters={[{ name: "status", label: "Status", options: ["active", "completed"] }]}
        chosen={chosen}
        page="/agents"
      />
      <Trouble error={conversations.error} />
      {conversations.data !== undefined && shown.length === 0 && (
        <p className="quiet">
          {chosen.isFiltered ? "No conversation is like that." : "No conversation was reported yet."}
        </p>
      )}
      {shown.length > 0 && (
        <Table
          name="Conversations"
          columns={CONVERSATIONS}
          rows={inOrder(shown, CONVERSATIONS, chosen.get("sort"))}
          keyOf={(one) => one.id}
          order={orderOf(chosen)}
        />
      )}
    </>
  );
}
