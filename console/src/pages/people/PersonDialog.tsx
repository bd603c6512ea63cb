import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactElement, useEffect, useId, useRef } from "react";
import { callChecked } from "../../app/check.js";
import { Trouble } from "../../ui/Trouble.js";
import { addressesOf, type NewPerson, type Person, personOf, ROLES, type TeamProject } from "./people.js";

/** Adds, changes or removes a person; the daemon asks for a passkey. */
export function PersonDialog({
  person,
  projects,
  onClose,
}: {
  /** null = a new one. */
  readonly person: Person | null;
  readonly projects: readonly TeamProject[];
  readonly onClose: () => void;
}): ReactElement {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const queries = useQueryClient();
  useEffect(() => dialog.current?.showModal(), []);
  const path = (user: string): string => `/api/admin/users/${encodeURIComponent(user)}`;
  const settled = {
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["people"] });
      onClose();
    },
  };
  const put = useMutation({
    mutationFn: ({ user, body }: { readonly user: string; readonly body: NewPerson }) =>
      callChecked(path(user), { method: "PUT", body }),
    ...settled,
  });
  const remove = useMutation({
    mutationFn: (user: string) => callChecked(path(user), { method: "DELETE" }),
    ...settled,
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    put.mutate({ user: person?.id ?? String(form.get("id")).trim(), body: personOf(form) });
  };
  const isBusy = put.isPending || remove.isPending;
  return (
    <dialog ref={dialog} aria-labelledby={`${id}-title`} onClose={onClose}>
      <h2 id={`${id}-title`}>{person === null ? "Add a person" : `Change ${person.id}`}</h2>
      <form className="fields" onSubmit={submit}>
        {person === null && (
          <label>
            Id
            <input name="id" required maxLength={64} pattern="[A-Za-z0-9][A-Za-z0-9._\-]*" />
          </label>
        )}
        <label>
          Name
          <input name="name" required maxLength={256} defaultValue={person?.name} />
        </label>
        <label>
          Role
          <select name="role" defaultValue={person?.role ?? "COORDINATOR"}>
            {ROLES.map((role) => (
              <option key={role}>{role}</option>
            ))}
          </select>
        </label>
        <label>
          Phones, one to a line
          <textarea name="phones" rows={2} defaultValue={addressesOf(person, "sms")} />
        </label>
        <label>
          Mail addresses, one to a line
          <textarea name="emails" rows={2} defaultValue={addressesOf(person, "mail")} />
        </label>
        {projects.length > 0 && (
          <fieldset>
            <legend>Projects</legend>
            {projects.map((project) => (
              <Ticked key={project.name} project={project} person={person} />
            ))}
          </fieldset>
        )}
        <Trouble error={put.error ?? remove.error} />
        <div className="decision">
          <button type="submit" className="main" disabled={isBusy}>
            Save
          </button>
          {person !== null && (
            <button
              type="button"
              disabled={isBusy}
              onClick={() => {
                if (confirm(`Remove ${person.id} with all rights, addresses and tokens?`)) remove.mutate(person.id);
              }}
            >
              Remove
            </button>
          )}
          <button type="button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </div>
      </form>
    </dialog>
  );
}

/** A project that is given to the person, or not; what config.toml gives can only be taken there. */
function Ticked({ project, person }: { readonly project: TeamProject; readonly person: Person | null }): ReactElement {
  const isConfigured = person !== null && project.users.includes(person.id);
  const isGiven = person !== null && project.given.includes(person.id);
  return (
    <label className="ticked">
      <input
        type="checkbox"
        name="projects"
        value={project.name}
        defaultChecked={isGiven || isConfigured}
        disabled={isConfigured && !isGiven}
      />
      {project.name}
      {isConfigured && <span className="quiet"> by config.toml</span>}
    </label>
  );
}
