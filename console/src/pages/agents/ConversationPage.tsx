import type { ReactElement } from "react";
import { Link } from "wouter";
import { Table } from "../../ui/Table.js";
import { Trouble } from "../../ui/Trouble.js";
import { second } from "../../ui/time.js";
import { FILES, useConversation } from "./agents.js";

/** What agents said to each other in one conversation, and what was done to files. */
export default function ConversationPage({ id }: { readonly id: string }): ReactElement {
  const { data, error } = useConversation(id);
  return (
    <>
      <h1>Conversation</h1>
      <p>
        <Link href="/agents">All agents</Link>
      </p>
      <Trouble error={error} />
      {data !== undefined && (
        <>
          <p className="quiet">
            {data.agents.join(", ")}; {data.status}, begun {second(data.start_time)} UTC
          </p>
          <ol className="cards">
            {data.messages.map((message, place) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: messages have no ids, and are only appended
              <li key={place} className="card">
                <strong>{message.agent}</strong>{" "}
                <span className="quiet">
                  {message.type}, {second(message.timestamp)}
                </span>
                <p className="said">{message.content}</p>
              </li>
            ))}
          </ol>
          <h2 className="below">Files</h2>
          {data.file_operations.length === 0 && <p className="quiet">No file was changed.</p>}
          {data.file_operations.length > 0 && (
            <Table name="Files" columns={FILES} rows={data.file_operations} keyOf={(one) => one.id} />
          )}
        </>
      )}
    </>
  );
}
