import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactElement, useState } from "react";
import { Link } from "wouter";
import { call } from "../../app/api.js";
import { type Column, Table } from "../../ui/Table.js";
import { Trouble } from "../../ui/Trouble.js";
import { minute } from "../../ui/time.js";
import { KEY, type Operation, PAGE, pageOf, useOperations } from "./changes.js";
import { type Given, Pages } from "./filters.js";

const COLUMNS: readonly Column<Operation>[] = [
  { title: "Path", show: (one) => <span title={one.filepath}>{one.path}</span> },
  { title: "Status", show: (one) => one.status },
  { title: "Tool", show: (one) => one.tool },
  { title: "User", show: (one) => one.user_id },
  { title: "When (UTC)", show: (one) => minute(one.timestamp) },
  { title: "Turn", show: (one) => <Link href={pageOf(one)}>{one.message_id.slice(-8)}</Link> },
  { title: "Rollback", show: (one) => <RollBack operation={one} /> },
];

/** Every file operation of Claude Code, newest first. */
export function OperationList({ given }: { readonly given: Given }): ReactElement {
  const { data, error } = useOperations({
    user_id: given.user,
    path: given.path,
    session_id: given.session,
    before: given.before,
  });
  const rows = data?.operations ?? [];
  const isFiltered = Object.values(given).some((value) => value !== "");
  const hasMore = data !== undefined && (data.truncated || rows.length === PAGE);
  return (
    <>
      <Trouble error={error} />
      {data !== undefined && rows.length === 0 && (
        <p className="quiet">
          {isFiltered
            ? "No file operation is like that."
            : "No file was changed yet. Each edit of Claude Code is listed here, with what its shell commands changed."}
        </p>
      )}
      {rows.length > 0 && (
        <Table name="File operations" columns={COLUMNS} rows={rows} keyOf={(one) => String(one.id)} />
      )}
      <Pages given={given} view="files" next={hasMore ? String(rows.at(-1)?.id) : null} />
    </>
  );
}

/** Takes the turn of an operation back, after a second tap: it takes all of the turn back. */
function RollBack({ operation }: { readonly operation: Operation }): ReactElement {
  const [isAsking, setIsAsking] = useState(false);
  const queries = useQueryClient();
  const rollBack = useMutation({
    mutationFn: () => call(`/api/rollback/${operation.id}`, { method: "POST" }),
    onSuccess: () => setIsAsking(false),
    onSettled: () => queries.invalidateQueries({ queryKey: KEY }),
  });
  if (operation.rolled_back) return <>rolled back</>;
  const named = <span className="hidden"> {operation.path}</span>;
  return (
    <>
      {isAsking ? (
        <>
          Its whole turn?{" "}
          <button type="button" disabled={rollBack.isPending} onClick={() => rollBack.mutate()}>
            Yes, roll back{named}
          </button>{" "}
          <button type="button" onClick={() => setIsAsking(false)}>
            Keep{named}
          </button>
        </>
      ) : (
        <button type="button" onClick={() => setIsAsking(true)}>
          Roll back{named}
        </button>
      )}
      <Trouble error={rollBack.error} />
    </>
  );
}
