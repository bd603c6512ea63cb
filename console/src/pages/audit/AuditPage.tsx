import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { type ReactElement, useState } from "react";
import { call, send, withQuery } from "../../app/api.js";
import { Filters, Pages } from "../../ui/Filters.js";
import { type Chosen, FROM, useChosen } from "../../ui/filters.js";
import { saveBlob } from "../../ui/save.js";
import { type Column, Table } from "../../ui/Table.js";
import { Trouble } from "../../ui/Trouble.js";
import { second } from "../../ui/time.js";

const PAGE = 100;

interface Entry {
  readonly seq: number;
  readonly at: string;
  readonly actor: string;
  readonly event: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

interface Verdict {
  /** Empty = the chain is intact. */
  readonly problem: string;
  readonly first: number;
  readonly last: number;
}

const FILTERS = [
  { name: "actor", label: "Who" },
  { name: "event", label: "What" },
  { name: "since", label: "Since (UTC)", type: "date" },
  { name: "until", label: "Before (UTC)", type: "date" },
] as const;

const COLUMNS: readonly Column<Entry>[] = [
  { title: "Number", order: "seq", show: (entry) => entry.seq },
  { title: "At (UTC)", show: (entry) => second(entry.at) },
  { title: "Who", show: (entry) => entry.actor },
  { title: "What", show: (entry) => entry.event },
  { title: "Detail", isLong: true, show: (entry) => <Detail entry={entry} /> },
];

/** Who did what, in a chain of seals; filters, order and page stand in the address. */
export default function AuditPage(): ReactElement {
  const chosen = useChosen();
  const isDown = chosen.get("order") !== "oldest";
  const where = filtersOf(chosen);
  const from = chosen.get(FROM);
  const { data, error } = useQuery({
    queryKey: ["audit", where, isDown, from],
    queryFn: ({ signal }) =>
      call<{ readonly entries: readonly Entry[]; readonly next: number | null }>(
        withQuery("/api/audit", { ...where, order: isDown ? "newest" : "oldest", from, limit: PAGE }),
        { signal },
      ),
    placeholderData: keepPreviousData,
  });
  return (
    <>
      <h1>Audit</h1>
      <Verify />
      <Filters filters={FILTERS} chosen={chosen} page="/audit">
        <Export where={where} />
      </Filters>
      <Trouble error={error} />
      {data?.entries.length === 0 && (
        <p className="quiet">
          {chosen.isFiltered
            ? "No entry is like that. `What` takes an event such as user.put, or its beginning: user, token, turn, approval, signin."
            : "There is no entry yet. Whatever people, programs and the daemon change leaves one here."}
        </p>
      )}
      {data !== undefined && data.entries.length > 0 && (
        <Table
          name="Audit"
          columns={COLUMNS}
          rows={data.entries}
          keyOf={(entry) => String(entry.seq)}
          order={{ by: "seq", isDown, change: (_, down) => chosen.set({ order: down ? "" : "oldest" }) }}
        />
      )}
      <Pages chosen={chosen} next={data?.next == null ? null : String(data.next)} />
    </>
  );
}

function filtersOf(chosen: Chosen): Readonly<Record<string, string>> {
  return Object.fromEntries(FILTERS.map(({ name }) => [name, chosen.get(name)]));
}

/** Checks the seals of the whole trail. */
function Verify(): ReactElement {
  const verify = useMutation({ mutationFn: () => call<Verdict>("/api/audit/verify") });
  const verdict = verify.data;
  return (
    <div className="tools">
      <button type="button" disabled={verify.isPending} onClick={() => verify.mutate()}>
        Verify the chain
      </button>
      <span role="status">{verdict?.problem === "" && `Intact: entries ${verdict.first} to ${verdict.last}.`}</span>
      {verdict !== undefined && verdict.problem !== "" && <p role="alert">The chain is broken: {verdict.problem}.</p>}
      <Trouble error={verify.error} />
    </div>
  );
}

/** Saves what the filters name as a file. */
function Export({ where }: { readonly where: Readonly<Record<string, string>> }): ReactElement {
  const saving = useMutation({
    mutationFn: async (format: "csv" | "jsonl") => {
      const answer = await send(withQuery("/api/audit/export", { ...where, format }));
      saveBlob(`audit.${format}`, await answer.blob());
    },
  });
  return (
    <>
      <button type="button" disabled={saving.isPending} onClick={() => saving.mutate("csv")}>
        Save as CSV
      </button>
      <button type="button" disabled={saving.isPending} onClick={() => saving.mutate("jsonl")}>
        Save as JSON Lines
      </button>
      <Trouble error={saving.error} />
    </>
  );
}

/** What an entry says more, in one line; a tap shows all of it. */
function Detail({ entry }: { readonly entry: Entry }): ReactElement {
  const [isOpen, setOpen] = useState(false);
  const parts = Object.entries(entry.detail).map(([name, value]) => `${name}: ${textOf(value)}`);
  if (parts.length === 0) return <span className="quiet">none</span>;
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{isOpen ? "less" : parts.join(", ")}</summary>
      {isOpen && <pre tabIndex={0}>{JSON.stringify(entry.detail, null, 2)}</pre>}
    </details>
  );
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
