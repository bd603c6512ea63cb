/** Sessions as the daemon tells them. */

export const STATES = ["connecting", "active", "idle", "disconnecting", "disconnected", "error"] as const;

export interface Session {
  readonly session_id: string;
  readonly user_id: string;
  readonly project_path: string;
  readonly status: (typeof STATES)[number];
  readonly cost_usd: number;
  readonly message_count: number;
  readonly duration_seconds: number;
  readonly started_at: string;
  readonly last_activity: string;
  readonly kind: "chat" | "claude_code";
  readonly title: string;
}

/** What people call it. */
export function nameOf({ project_path: path, kind, title }: Session): string {
  if (kind === "chat") return title || "Untitled chat";
  return `Claude Code in ${path.split("/").at(-1) || path}`;
}

export function pathOf(id: string): string {
  return `/api/claude-code/sessions/${encodeURIComponent(id)}`;
}

/** The page of a session, at a message. */
export function pageOf(id: string, message?: string): string {
  const page = `/sessions/${encodeURIComponent(id)}`;
  return message === undefined ? page : `${page}?message=${encodeURIComponent(message)}`;
}
