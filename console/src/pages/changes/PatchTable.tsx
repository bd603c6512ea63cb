import { type FormEvent, Fragment, type KeyboardEvent, type ReactElement, useState } from "react";
import type { FilePatch, PatchLine } from "./patch.js";
import { keyOf, type LineComment, type ReviewAction } from "./review.js";

const SIGNS = { added: "+", removed: "-", same: " ", place: "" } as const;

export interface Commenting {
  readonly comments: readonly LineComment[];
  readonly act: (action: ReviewAction) => void;
}

/** The lines of a file with their numbers; the signs stay, so that it can be read without colours. */
export function PatchTable({
  patch,
  commenting,
}: {
  readonly patch: FilePatch;
  /** undefined = it is only shown. */
  readonly commenting?: Commenting | undefined;
}): ReactElement {
  const [open, setOpen] = useState<number | null>(null);
  const [current, setCurrent] = useState(() => patch.lines.findIndex((line) => line.kind !== "place"));
  const onKeyDown = (event: KeyboardEvent<HTMLElement>): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined || !(event.target instanceof HTMLButtonElement) || !event.target.dataset.line) return;
    event.preventDefault();
    const all = [...event.currentTarget.querySelectorAll<HTMLButtonElement>("button[data-line]")];
    const next = all[all.indexOf(event.target) + step];
    if (next === undefined) return;
    setCurrent(Number(next.dataset.line));
    next.focus();
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: it scrolls, so the keyboard must reach it
    <div className="wide patch" role="group" aria-label={`Lines of ${patch.path}`} tabIndex={0} onKeyDown={onKeyDown}>
      <table>
        <thead className="hidden">
          <tr>
            <th scope="col">Before</th>
            <th scope="col">After</th>
            <th scope="col">Line</th>
          </tr>
        </thead>
        <tbody>
          {patch.lines.map((line, place) => {
            const where = placeOf(patch, line);
            const comment = where && commenting?.comments.find((one) => keyOf(one) === keyOf(where));
            return (
              // biome-ignore lint/suspicious/noArrayIndexKey: a line of a diff keeps its place
              <Fragment key={place}>
                <tr className={line.kind}>
                  <td className="line">{line.before}</td>
                  <td className="line">
                    {commenting !== undefined && where !== null ? (
                      <button
                        type="button"
                        data-line={place}
                        tabIndex={place === current ? 0 : -1}
                        aria-label={`Comment on line ${where.line}${where.isBefore ? " before" : ""}: ${line.text}`}
                        onClick={() => {
                          setCurrent(place);
                          setOpen(place);
                        }}
                      >
                        {line.after ?? "−"}
                      </button>
                    ) : (
                      line.after
                    )}
                  </td>
                  <td className="text">
                    {SIGNS[line.kind]}
                    {line.text}
                  </td>
                </tr>
                {where !== null && commenting !== undefined && (place === open || comment !== undefined) && (
                  <tr>
                    <td colSpan={3} className="comment">
                      {place === open ? (
                        <Editor
                          where={where}
                          text={comment?.text ?? ""}
                          act={commenting.act}
                          onClose={() => setOpen(null)}
                        />
                      ) : (
                        <>
                          <p>{comment?.text}</p>
                          <button type="button" onClick={() => setOpen(place)}>
                            Change
                          </button>{" "}
                          <button type="button" onClick={() => commenting.act({ kind: "remove", key: keyOf(where) })}>
                            Remove
                          </button>
                        </>
                      )}
                    </td>
                  </tr>
                )}
              </Fragment>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Editor({
  where,
  text,
  act,
  onClose,
}: {
  readonly where: Omit<LineComment, "text">;
  readonly text: string;
  readonly act: (action: ReviewAction) => void;
  readonly onClose: () => void;
}): ReactElement {
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const written = String(new FormData(event.currentTarget).get("comment") ?? "");
    act({ kind: "put", comment: { ...where, text: written } });
    onClose();
  };
  return (
    <form onSubmit={submit}>
      <textarea
        name="comment"
        aria-label={`Comment on line ${where.line}`}
        defaultValue={text}
        rows={3}
        maxLength={4000}
        // biome-ignore lint/a11y/noAutofocus: it opens by a tap on the line, to be written in
        autoFocus
      />
      <button type="submit">Keep comment</button>{" "}
      <button type="button" onClick={onClose}>
        Cancel
      </button>
    </form>
  );
}

function placeOf(patch: FilePatch, line: PatchLine): Omit<LineComment, "text"> | null {
  const number = line.after ?? line.before;
  if (number === null) return null;
  return { path: patch.path, line: number, isBefore: line.after === null, code: line.text };
}
