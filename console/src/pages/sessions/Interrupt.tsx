import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { call } from "../../app/api.js";
import { Trouble } from "../../ui/Trouble.js";
import { pathOf, type Session } from "./sessions.js";

/** Stops the running turn; with none running the daemon does nothing. */
export function Interrupt({ session }: { readonly session: Session }): ReactElement | null {
  const queries = useQueryClient();
  const interrupt = useMutation({
    mutationFn: () => call(`${pathOf(session.session_id)}/interrupt`, { method: "POST" }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["sessions"] }),
  });
  if (session.status !== "active" || session.kind === "chat") return null;
  return (
    <>
      <button type="button" disabled={interrupt.isPending} onClick={() => interrupt.mutate()}>
        Interrupt<span className="hidden"> {session.session_id}</span>
      </button>
      <Trouble error={interrupt.error} />
    </>
  );
}
