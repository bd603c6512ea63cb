import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { Trouble } from "../../ui/Trouble.js";
import { KEY, type Turn, undo } from "./changes.js";

/** Undo of a turn, or of its undo: first what it would change, then the change. */
export function UndoPanel({ turn }: { readonly turn: Turn }): ReactElement {
  const queries = useQueryClient();
  const trial = useMutation({ mutationFn: () => undo(turn, true) });
  const real = useMutation({
    mutationFn: () => undo(turn, false),
    onSettled: async () => {
      trial.reset();
      await queries.invalidateQueries({ queryKey: KEY });
    },
  });
  const verb = turn.undone ? "Bring the changes back" : "Undo";
  const paths = trial.data?.paths;
  return (
    <section className="undo" aria-label="Undo">
      <p role="status">
        {turn.undone && "These changes are undone."}
        {turn.why !== "" && `This cannot be undone: ${turn.why}.`}
      </p>
      {turn.why === "" && paths === undefined && (
        <button type="button" disabled={trial.isPending} onClick={() => trial.mutate()}>
          {verb}: what would change?
        </button>
      )}
      {paths?.length === 0 && <p>Nothing is left of it to take back.</p>}
      {paths !== undefined && paths.length > 0 && (
        <>
          <p>This would change {paths.length === 1 ? "one file" : `${paths.length} files`}, and keep later changes:</p>
          <ul>
            {paths.map((path) => (
              <li key={path}>
                <code>{path}</code>
              </li>
            ))}
          </ul>
          <button type="button" className="main" disabled={real.isPending} onClick={() => real.mutate()}>
            {verb}
          </button>{" "}
          <button type="button" onClick={() => trial.reset()}>
            Keep
          </button>
        </>
      )}
      <Trouble error={trial.error ?? real.error} />
    </section>
  );
}
