/** People and projects, as the daemon lists them. */

export const ROLES = ["ADMIN", "COORDINATOR", "OPERATOR"] as const;

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly addresses: readonly { readonly kind: string; readonly value: string }[];
  /** `origin`: "config" = config.toml gives it, "database" = an administrator does. */
  readonly projects: readonly { readonly name: string; readonly origin: string }[];
}

export interface TeamProject {
  readonly name: string;
  readonly permissions: string;
  readonly users: readonly string[];
  readonly given: readonly string[];
  readonly approvers: readonly string[];
  readonly shared: boolean;
}

export interface Team {
  readonly people: readonly Person[];
  readonly projects: readonly TeamProject[];
}

export interface NewPerson {
  readonly name: string;
  readonly role: string;
  readonly phones: readonly string[];
  readonly emails: readonly string[];
  readonly projects: readonly string[];
}

/** What a form says of a person; addresses stand one to a line, or behind commas. */
export function personOf(form: FormData): NewPerson {
  const text = (name: string): string => String(form.get(name) ?? "").trim();
  return {
    name: text("name"),
    role: text("role"),
    phones: lines(text("phones")),
    emails: lines(text("emails")),
    projects: form.getAll("projects").map(String),
  };
}

/** The addresses of a kind, one to a line. */
export function addressesOf(person: Person | null, kind: string): string {
  const found = person?.addresses.filter((address) => address.kind === kind) ?? [];
  return found.map((address) => address.value).join("\n");
}

function lines(text: string): string[] {
  return text.split(/[\n,;]/).flatMap((line) => (line.trim() === "" ? [] : [line.trim()]));
}
