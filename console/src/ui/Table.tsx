import type { ReactElement, ReactNode } from "react";

export interface Column<Row> {
  readonly title: string;
  readonly isNumber?: boolean;
  /** A cell that may be long: it is cut, and opens where `show` says so. */
  readonly isLong?: boolean;
  /** By what the rows can be put in order; without it they cannot. */
  readonly order?: string;
  /** What `useSorted` compares; the daemon sorts lists that have none. */
  readonly by?: (row: Row) => string | number;
  readonly show: (row: Row) => ReactNode;
}

/** In which order rows are: by what, and whether the highest or newest is first. */
export interface Order {
  readonly by: string;
  readonly isDown: boolean;
  readonly change: (by: string, isDown: boolean) => void;
}

/** Rows under named columns; the first column names its row. It scrolls sideways where the page is narrow. */
export function Table<Row>({
  name,
  columns,
  rows,
  keyOf,
  order,
  foot = [],
}: {
  readonly name: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly order?: Order;
  /** The last row, e.g. sums of the columns; fewer cells than columns leave the rest empty. */
  readonly foot?: readonly ReactNode[];
}): ReactElement {
  const classOf = (column: Column<Row>): string | undefined =>
    column.isNumber ? "number" : column.isLong ? "long" : undefined;
  return (
    // biome-ignore lint/a11y/useSemanticElements: it scrolls, so the keyboard must reach it
    <div className="wide" role="group" aria-label={name} tabIndex={0}>
      <table className="rows">
        <thead>
          <tr>
            {columns.map((column) => (
              <Head key={column.title} column={column} className={classOf(column)} order={order} />
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
        {foot.length > 0 && (
          <tfoot>
            <tr>
              {columns.map((column, place) =>
                place === 0 ? (
                  <th key={column.title} scope="row">
                    {foot[0]}
                  </th>
                ) : (
                  <td key={column.title} className={classOf(column)}>
                    {foot[place]}
                  </td>
                ),
              )}
            </tr>
          </tfoot>
        )}
      </table>
    </div>
  );
}

/** A column's name; where its rows can be put in order, a button that does. */
function Head<Row>({
  column,
  className,
  order,
}: {
  readonly column: Column<Row>;
  readonly className: string | undefined;
  readonly order: Order | undefined;
}): ReactElement {
  const { title, order: by } = column;
  if (by === undefined || order === undefined) {
    return (
      <th scope="col" className={className}>
        {title}
      </th>
    );
  }
  const isOwn = order.by === by;
  return (
    <th scope="col" className={className} aria-sort={isOwn ? (order.isDown ? "descending" : "ascending") : undefined}>
      <button type="button" className="sort" onClick={() => order.change(by, isOwn ? !order.isDown : true)}>
        {title}
        {isOwn && <span aria-hidden="true">{order.isDown ? " ↓" : " ↑"}</span>}
      </button>
    </th>
  );
}
