import { useQuery } from "@tanstack/react-query";
import { type ReactElement, useState } from "react";
import { call } from "../../app/api.js";
import { useMe } from "../../app/me.js";
import { Filters } from "../../ui/Filters.js";
import { useChosen } from "../../ui/filters.js";
import { inOrder, orderOf } from "../../ui/sorted.js";
import { type Column, Table } from "../../ui/Table.js";
import { Told } from "../../ui/Told.js";
import { Trouble } from "../../ui/Trouble.js";
import { PersonDialog } from "./PersonDialog.js";
import { type Person, ROLES, type Team, type TeamProject } from "./people.js";

const PEOPLE: readonly Column<Person>[] = [
  { title: "Id", order: "id", by: (one) => one.id, show: (one) => one.id },
  { title: "Name", order: "name", by: (one) => one.name, show: (one) => one.name },
  { title: "Role", order: "role", by: (one) => one.role, show: (one) => one.role },
  { title: "Addresses", isLong: true, show: (one) => one.addresses.map((address) => address.value).join(", ") },
  { title: "Projects", isLong: true, show: (one) => one.projects.map((project) => project.name).join(", ") },
];

const PROJECTS: readonly Column<TeamProject>[] = [
  { title: "Project", order: "project", by: (one) => one.name, show: (one) => one.name },
  { title: "Permissions", order: "permissions", by: (one) => one.permissions, show: (one) => one.permissions },
  { title: "By config.toml", show: (one) => one.users.join(", ") },
  { title: "By an administrator", show: (one) => one.given.join(", ") },
  { title: "Who approves", show: (one) => one.approvers.join(", ") || "whoever asks" },
  { title: "Shared", show: (one) => (one.shared ? "yes" : "no") },
];

const FILTERS = [
  { name: "role", label: "Role", options: ROLES },
  { name: "search", label: "Search" },
] as const;

/** People with their roles, addresses and projects; an administrator changes them after showing a passkey. */
export default function PeoplePage(): ReactElement {
  const chosen = useChosen();
  const me = useMe();
  const [edited, edit] = useState<Person | "new" | null>(null);
  const { data, error } = useQuery({
    queryKey: ["people"],
    queryFn: ({ signal }) => call<Team>("/api/people", { signal }),
  });
  const mayChange = (me?.administers ?? false) && (me?.signed_in ?? false);
  const columns: readonly Column<Person>[] = mayChange
    ? [...PEOPLE, { title: "Actions", show: (one) => <Edit person={one} onEdit={edit} /> }]
    : PEOPLE;
  const role = chosen.get("role");
  const search = chosen.get("search").toLowerCase();
  const people = data?.people.filter((one) => (role === "" || one.role === role) && textOf(one).includes(search)) ?? [];
  return (
    <>
      <h1>People</h1>
      <Filters filters={FILTERS} chosen={chosen} page="/people">
        {mayChange && (
          <button type="button" className="main" onClick={() => edit("new")}>
            Add a person
          </button>
        )}
      </Filters>
      {!mayChange && me?.administers && (
        <p className="quiet">
          To change something here, sign in at <a href="/sign-in">/sign-in</a> with a passkey. A token only reads.
        </p>
      )}
      <Trouble error={error} />
      {data !== undefined && people.length === 0 && (
        <p className="quiet">
          <Told>
            {chosen.isFiltered
              ? "Nobody is like that."
              : "Nobody is here yet. `xswarm user add ID --role ADMIN` adds the first person."}
          </Told>
        </p>
      )}
      {people.length > 0 && (
        <Table
          name="People"
          columns={columns}
          rows={inOrder(people, PEOPLE, chosen.get("sort"))}
          keyOf={(one) => one.id}
          order={orderOf(chosen)}
        />
      )}
      <h2 className="below">Projects</h2>
      <p className="quiet">Paths, permissions and who approves are set in config.toml.</p>
      {data?.projects.length === 0 && <p className="quiet">config.toml has no [projects.NAME] yet.</p>}
      {data !== undefined && data.projects.length > 0 && (
        <Table
          name="Projects"
          columns={PROJECTS}
          rows={inOrder(data.projects, PROJECTS, chosen.get("sort"))}
          keyOf={(one) => one.name}
          order={orderOf(chosen)}
        />
      )}
      {edited !== null && data !== undefined && (
        <PersonDialog
          key={edited === "new" ? "" : edited.id}
          person={edited === "new" ? null : edited}
          projects={data.projects}
          onClose={() => edit(null)}
        />
      )}
    </>
  );
}

function Edit({
  person,
  onEdit,
}: {
  readonly person: Person;
  readonly onEdit: (person: Person) => void;
}): ReactElement {
  return (
    <button type="button" onClick={() => onEdit(person)}>
      Change<span className="hidden"> {person.id}</span>
    </button>
  );
}

function textOf(one: Person): string {
  const values = [
    one.id,
    one.name,
    ...one.addresses.map(({ value }) => value),
    ...one.projects.map(({ name }) => name),
  ];
  return values.join(" ").toLowerCase();
}
