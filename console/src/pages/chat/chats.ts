/** The chats of a person, as the daemon lists them. */

export const PATH = "/api/claude-chat/sessions";

export interface Chat {
  readonly session_id: string;
  readonly title: string;
  /** RFC 3339 in UTC. */
  readonly last_activity: string;
}

export interface ChatPage {
  readonly sessions: readonly Chat[];
  /** null = there are no older ones. */
  readonly next_cursor: string | null;
}

export function pathOf(id: string): string {
  return `${PATH}/${encodeURIComponent(id)}`;
}
