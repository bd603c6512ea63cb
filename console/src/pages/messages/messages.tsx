/** A message in a list, and how its row looks. */

import type { ReactElement } from "react";
import { Link } from "wouter";
import type { Column } from "../../ui/Table.js";
import { second } from "../../ui/time.js";
import { pageOf } from "../sessions/sessions.js";

export interface MessageRow {
  readonly message_id: string;
  readonly user_id: string;
  readonly session_id: string | null;
  readonly project: string;
  readonly channel: string;
  readonly target: string;
  readonly state: string;
  /** Its beginning; empty = this person may not read it. */
  readonly text: string;
  readonly accepted_at: string;
  /** Who is asked about a tool call of its turn. */
  readonly waits_on: readonly string[];
}

export const COLUMNS: readonly Column<MessageRow>[] = [
  { title: "Message", show: (one) => <Text text={one.text} session={one.session_id} message={one.message_id} /> },
  { title: "User", show: (one) => one.user_id },
  { title: "Channel", show: (one) => one.channel },
  { title: "Project", show: (one) => one.project || "none" },
  { title: "State", show: (one) => one.state },
  { title: "Waits on", show: (one) => one.waits_on.join(", ") },
  { title: "At (UTC)", show: (one) => second(one.accepted_at) },
];

/** The beginning of a message; where this person may read it, a link to where it stands in its session. */
export function Text({
  text,
  session,
  message,
}: {
  readonly text: string;
  readonly session: string | null;
  readonly message: string;
}): ReactElement {
  if (text === "") return <span className="quiet">not yours to read</span>;
  if (session === null) return <span>{text}</span>;
  return <Link href={pageOf(session, message)}>{text}</Link>;
}
