import { type FormEvent, type ReactElement, type ReactNode, useId } from "react";
import { Link } from "wouter";
import { type Chosen, FROM } from "./filters.js";

export interface Filter {
  /** Its name in the address. */
  readonly name: string;
  readonly label: string;
  /** What can be chosen; none = it is written. */
  readonly options?: readonly string[];
  readonly type?: "text" | "date";
}

/** The filters of a list: what is chosen counts at once, what is written with Enter or the button. */
export function Filters({
  filters,
  chosen,
  page,
  children,
}: {
  readonly filters: readonly Filter[];
  readonly chosen: Chosen;
  /** The address of the page without filters. */
  readonly page: string;
  /** More tools of the page. */
  readonly children?: ReactNode;
}): ReactElement {
  const id = useId();
  const written = filters.filter((one) => one.options === undefined);
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    chosen.set(Object.fromEntries(written.map(({ name }) => [name, String(form.get(name) ?? "")])));
  };
  return (
    <form className="tools" aria-label="Filters" onSubmit={submit}>
      {filters.map(({ name, label, options, type = "text" }) => (
        <span key={name}>
          <label htmlFor={`${id}-${name}`}>{label} </label>
          {options === undefined ? (
            <input
              key={chosen.get(name)}
              id={`${id}-${name}`}
              name={name}
              type={type}
              defaultValue={chosen.get(name)}
              size={12}
              maxLength={256}
            />
          ) : (
            <select
              id={`${id}-${name}`}
              value={chosen.get(name)}
              onChange={(event) => chosen.set({ [name]: event.target.value })}
            >
              <option value="">all</option>
              {options.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          )}
        </span>
      ))}
      {written.length > 0 && <button type="submit">Filter</button>}
      {chosen.isFiltered && <Link href={page}>Without filters</Link>}
      {children}
    </form>
  );
}

/** Steps through a list that is read by pages. */
export function Pages({
  chosen,
  next,
}: {
  readonly chosen: Chosen;
  readonly next: string | null;
}): ReactElement | null {
  const isFirst = chosen.get(FROM) === "";
  if (isFirst && next === null) return null;
  return (
    <nav className="tools" aria-label="Pages of the list">
      {!isFirst && (
        <button type="button" onClick={() => chosen.set({})}>
          First page
        </button>
      )}
      {next !== null && (
        <button type="button" onClick={() => chosen.set({ [FROM]: next })}>
          Next page
        </button>
      )}
    </nav>
  );
}
