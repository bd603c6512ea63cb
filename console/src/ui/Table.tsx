import type { ReactElement, ReactNode } from "react";

export interface Column<Row> {
  readonly title: string;
  readonly isNumber?: boolean;
  readonly show: (row: Row) => ReactNode;
}

/** Rows under named columns; the first column names its row. It scrolls sideways where the page is narrow. */
export function Table<Row>({
  name,
  columns,
  rows,
  keyOf,
}: {
  readonly name: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
}): ReactElement {
  const classOf = (column: Column<Row>): string | undefined => (column.isNumber ? "number" : undefined);
  return (
    // biome-ignore lint/a11y/useSemanticElements: it scrolls, so the keyboard must reach it
    <div className="wide" role="group" aria-label={name} tabIndex={0}>
      <table className="rows">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.title} scope="col" className={classOf(column)}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map((column, place) =>
                place === 0 ? (
                  <th key={column.title} scope="row">
                    {column.show(row)}
                  </th>
                ) : (
                  <td key={column.title} className={classOf(column)}>
                    {column.show(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
