import type { ReactElement } from "react";
import { Link, useSearchParams } from "wouter";
import { type Column, Table } from "../../ui/Table.js";
import { Trouble } from "../../ui/Trouble.js";
import { minute } from "../../ui/time.js";
import { type ChangedTurn, pageOf, useTurns } from "./changes.js";
import { FILTERS, type Given, Pages } from "./filters.js";
import { OperationList } from "./OperationList.js";
import "./changes.css";

const COLUMNS: readonly Column<ChangedTurn>[] = [
  { title: "Message", show: (turn) => <Link href={pageOf(turn)}>{turn.message || turn.message_id}</Link> },
  { title: "Files", isNumber: true, show: (turn) => turn.files ?? "not known" },
  { title: "State", show: stateOf },
  { title: "User", show: (turn) => turn.user_id },
  { title: "Project", show: (turn) => turn.project },
  { title: "Since (UTC)", show: (turn) => minute(turn.timestamp) },
];

/** Turns that changed files, or every file operation; the view, its filters and its page stand in the address. */
export default function ChangesPage(): ReactElement {
  const [chosen, choose] = useSearchParams();
  const isByFile = chosen.get("view") === "files";
  const given = Object.fromEntries(FILTERS.map((name) => [name, chosen.get(name) ?? ""])) as Given;
  const set = (values: Readonly<Record<string, string>>): void =>
    choose((before) => {
      before.delete("before");
      for (const [name, value] of Object.entries(values)) {
        if (value === "") before.delete(name);
        else before.set(name, value);
      }
      return before;
    });
  return (
    <>
      <h1>Changes</h1>
      <nav className="tools" aria-label="Views">
        <Link href="/changes" aria-current={isByFile ? undefined : "page"}>
          Turns
        </Link>
        <Link href="/changes?view=files" aria-current={isByFile ? "page" : undefined}>
          File operations
        </Link>
      </nav>
      <form
        className="tools"
        key={chosen.toString()}
        onSubmit={(event) => {
          event.preventDefault();
          const fields = new FormData(event.currentTarget);
          set(Object.fromEntries([...fields].map(([name, value]) => [name, String(value).trim()])));
        }}
      >
        <Field name="user" title="User" value={given.user} size={10} />
        {isByFile ? (
          <Field name="path" title="Path" value={given.path} size={16} />
        ) : (
          <Field name="project" title="Project" value={given.project} size={10} />
        )}
        <Field name="session" title="Session" value={given.session} size={16} />
        {!isByFile && (
          <label>
            State{" "}
            <select name="state" aria-label="State" defaultValue={given.state}>
              <option value="">all</option>
              <option value="there">in place</option>
              <option value="undone">undone</option>
            </select>
          </label>
        )}
        <button type="submit">Filter</button>
      </form>
      {isByFile ? <OperationList given={given} /> : <TurnList given={given} />}
    </>
  );
}

function TurnList({ given }: { readonly given: Given }): ReactElement {
  const { data, error } = useTurns({
    user_id: given.user,
    project: given.project,
    session_id: given.session,
    undone: given.state === "" ? "" : String(given.state === "undone"),
    before: given.before,
  });
  const isFiltered = Object.values(given).some((value) => value !== "");
  const next = data?.next_before ?? null;
  return (
    <>
      <Trouble error={error} />
      {data?.turns.length === 0 && (
        <p className="quiet">
          {isFiltered
            ? "No turn is like that."
            : "No file was changed yet. Before Claude Code changes the first file of a turn, the project's folder is recorded, so that each turn can be shown here and taken back."}
        </p>
      )}
      {data !== undefined && data.turns.length > 0 && (
        <Table name="Turns" columns={COLUMNS} rows={data.turns} keyOf={(turn) => turn.message_id} />
      )}
      <Pages given={given} next={next === null ? null : String(next)} />
    </>
  );
}

function Field({
  name,
  title,
  value,
  size,
}: {
  readonly name: string;
  readonly title: string;
  readonly value: string;
  readonly size: number;
}): ReactElement {
  return (
    <label>
      {title} <input name={name} aria-label={title} defaultValue={value} size={size} maxLength={256} />
    </label>
  );
}

function stateOf(turn: ChangedTurn): string {
  if (turn.undone) return "undone";
  return turn.why === "" ? "in place" : "in place, cannot be undone";
}
