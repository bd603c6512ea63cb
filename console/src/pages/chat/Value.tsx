import type { ReactElement } from "react";
import { columnsOf, hasParts, isRecord, plainOf } from "./values.js";

/** How deep a value is shown in parts; below that it is JSON. */
const DEEPEST = 4;

/** A value of JSON as people read it: rows as a table, fields as a list, the rest as it is. */
export function Value({ value, depth = 0 }: { readonly value: unknown; readonly depth?: number }): ReactElement {
  if (depth > DEEPEST && typeof value === "object" && value !== null) return <code>{JSON.stringify(value)}</code>;
  if (Array.isArray(value)) return <List items={value} depth={depth} />;
  if (!isRecord(value)) return <>{plainOf(value)}</>;
  return (
    <dl className="values">
      {Object.entries(value).map(([name, one]) => (
        <div key={name} className={hasParts(one) ? "whole" : undefined}>
          <dt>{name.replaceAll("_", " ")}</dt>
          <dd>
            <Value value={one} depth={depth + 1} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function List({ items, depth }: { readonly items: readonly unknown[]; readonly depth: number }): ReactElement {
  const columns = columnsOf(items);
  if (items.length === 0) return <span className="quiet">none</span>;
  if (columns === null) {
    return (
      <ul>
        {items.map((item, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: an item has no other identity
          <li key={place}>
            <Value value={item} depth={depth + 1} />
          </li>
        ))}
      </ul>
    );
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: it scrolls, so the keyboard must reach it
    <div className="wide" role="group" aria-label="Table" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map((name) => (
              <th key={name} scope="col">
                {name.replaceAll("_", " ")}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.filter(isRecord).map((row, place) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a row has no other identity
            <tr key={place}>
              {columns.map((name) => (
                <td key={name}>
                  <Value value={row[name]} depth={depth + 1} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
