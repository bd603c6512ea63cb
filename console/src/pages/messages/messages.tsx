/** A message in a list, and how its row looks. */

import type { Column } from "../../ui/Table.js";
import { second } from "../../ui/time.js";

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
  { title: "Message", show: (one) => one.text || "not yours to read" },
  { title: "User", show: (one) => one.user_id },
  { title: "Channel", show: (one) => one.channel },
  { title: "Project", show: (one) => one.project || "none" },
  { title: "State", show: (one) => one.state },
  { title: "Waits on", show: (one) => one.waits_on.join(", ") },
  { title: "At (UTC)", show: (one) => second(one.accepted_at) },
];
