import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactElement, useState } from "react";
import { call } from "../../app/api.js";
import { callChecked } from "../../app/check.js";
import { useMe } from "../../app/me.js";
import { Filters } from "../../ui/Filters.js";
import { useChosen } from "../../ui/filters.js";
import { inOrder, orderOf } from "../../ui/sorted.js";
import { type Column, Table } from "../../ui/Table.js";
import { Told } from "../../ui/Told.js";
import { Trouble } from "../../ui/Trouble.js";
import { minute } from "../../ui/time.js";

const KEY = ["tokens"] as const;
const STATES = ["valid", "expired", "revoked"] as const;

interface Token {
  readonly id: number;
  readonly name: string;
  /** null = of a service. */
  readonly user_id: string | null;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly revoked_at: string | null;
}

const COLUMNS: readonly Column<Token>[] = [
  { title: "Number", isNumber: true, order: "id", by: (one) => one.id, show: (one) => one.id },
  { title: "Of", order: "name", by: (one) => one.name, show: (one) => one.name },
  { title: "Kind", order: "kind", by: kindOf, show: kindOf },
  { title: "State", order: "state", by: stateOf, show: stateOf },
  { title: "Made (UTC)", order: "made", by: (one) => one.created_at, show: (one) => minute(one.created_at) },
  {
    title: "Ends (UTC)",
    order: "ends",
    by: (one) => one.expires_at ?? "~",
    show: (one) => (one.expires_at === null ? "never" : minute(one.expires_at)),
  },
];

/** Tokens of people and services; a new one is shown once. Changes take a passkey. */
export default function TokensPage(): ReactElement {
  const chosen = useChosen();
  const me = useMe();
  const { data, error } = useQuery({
    queryKey: KEY,
    queryFn: async ({ signal }) =>
      (await call<{ readonly tokens: readonly Token[] }>("/api/tokens", { signal })).tokens,
  });
  const mayChange = (me?.administers ?? false) && (me?.signed_in ?? false);
  const columns: readonly Column<Token>[] = mayChange
    ? [...COLUMNS, { title: "Actions", show: (one) => <Revoke token={one} /> }]
    : COLUMNS;
  const [state, name] = ["state", "of"].map((filter) => chosen.get(filter));
  const tokens = data?.filter((one) => (!state || stateOf(one) === state) && (!name || one.name === name)) ?? [];
  return (
    <>
      <h1>Tokens</h1>
      {mayChange && <NewToken />}
      {!mayChange && me?.administers && (
        <p className="quiet">
          To make or revoke tokens, sign in at <a href="/sign-in">/sign-in</a> with a passkey. A token only reads.
        </p>
      )}
      <Filters
        filters={[
          { name: "state", label: "State", options: STATES },
          { name: "of", label: "Of" },
        ]}
        chosen={chosen}
        page="/tokens"
      />
      <Trouble error={error} />
      {data !== undefined && tokens.length === 0 && (
        <p className="quiet">
          <Told>
            {chosen.isFiltered
              ? "No token is like that."
              : "There is no token yet. A program that speaks to xswarm for a person needs one; `xswarm token create` makes those of services."}
          </Told>
        </p>
      )}
      {tokens.length > 0 && (
        <Table
          name="Tokens"
          columns={columns}
          rows={inOrder(tokens, COLUMNS, chosen.get("sort"))}
          keyOf={(one) => String(one.id)}
          order={orderOf(chosen)}
        />
      )}
    </>
  );
}

/** Makes a token for a person, and shows it until the page is left. */
function NewToken(): ReactElement {
  const queries = useQueryClient();
  const [isCopied, setCopied] = useState(false);
  const make = useMutation({
    mutationFn: (body: { readonly user_id: string; readonly expires_days: number }) =>
      callChecked<{ readonly token: string }>("/api/admin/tokens", { method: "POST", body }),
    onSuccess: () => queries.invalidateQueries({ queryKey: KEY }),
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setCopied(false);
    make.mutate({ user_id: String(form.get("user")).trim(), expires_days: Number(form.get("days")) });
  };
  return (
    <form className="tools" aria-label="New token" onSubmit={submit}>
      <label>
        For <input name="user" aria-label="For" required maxLength={64} size={12} />
      </label>
      <label>
        Days <input name="days" aria-label="Days" type="number" min={1} max={3650} defaultValue={90} required />
      </label>
      <button type="submit" className="main" disabled={make.isPending}>
        Make a token
      </button>
      <Trouble error={make.error} />
      {make.data !== undefined && (
        <p role="status">
          It is shown this once: <code>{make.data.token}</code>{" "}
          <button
            type="button"
            onClick={() => void navigator.clipboard.writeText(make.data.token).then(() => setCopied(true))}
          >
            {isCopied ? "Copied" : "Copy"}
          </button>
        </p>
      )}
    </form>
  );
}

function Revoke({ token }: { readonly token: Token }): ReactElement | null {
  const queries = useQueryClient();
  const revoke = useMutation({
    mutationFn: () => callChecked(`/api/admin/tokens/${token.id}`, { method: "DELETE" }),
    onSettled: () => queries.invalidateQueries({ queryKey: KEY }),
  });
  if (token.revoked_at !== null) return null;
  return (
    <>
      <button
        type="button"
        disabled={revoke.isPending}
        onClick={() => {
          if (confirm(`Revoke token ${token.id} of ${token.name}? What uses it stops at once.`)) revoke.mutate();
        }}
      >
        Revoke<span className="hidden"> token {token.id}</span>
      </button>
      <Trouble error={revoke.error} />
    </>
  );
}

function kindOf(token: Token): string {
  return token.user_id === null ? "service" : "person";
}

function stateOf(token: Token): (typeof STATES)[number] {
  if (token.revoked_at !== null) return "revoked";
  return token.expires_at !== null && Date.parse(token.expires_at) <= Date.now() ? "expired" : "valid";
}
