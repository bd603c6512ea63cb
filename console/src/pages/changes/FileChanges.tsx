import { type ReactElement, useMemo } from "react";
import { withQuery } from "../../app/api.js";
import { Download } from "../../ui/Download.js";
import { type Operation, sessionPath, type Turn } from "./changes.js";
import { type Commenting, PatchTable } from "./PatchTable.js";
import { type FilePatch, filesOf, isCut } from "./patch.js";

/** The files of a turn, each with its lines. */
export function FileChanges({
  turn,
  commenting,
}: {
  readonly turn: Turn;
  readonly commenting: Commenting;
}): ReactElement {
  const patches = useMemo(() => new Map(filesOf(turn.diff).map((patch) => [patch.path, patch])), [turn.diff]);
  return (
    <>
      {turn.files.map((file) => (
        <FileChange key={file.path} file={file} patch={patches.get(file.path)} commenting={commenting} />
      ))}
      {isCut(turn.diff) && (
        <p className="quiet">The lines of the last files are left out: the patch has all of them.</p>
      )}
      {turn.files.length === 0 && <p className="quiet">Which files it changed is not known.</p>}
    </>
  );
}

function FileChange({
  file,
  patch,
  commenting,
}: {
  readonly file: Operation;
  readonly commenting: Commenting;
  readonly patch: FilePatch | undefined;
}): ReactElement {
  return (
    <details className="file" open>
      <summary>
        <code>{file.path}</code> {file.status}
        {patch !== undefined && !patch.isBinary && (
          <span className="quiet">
            {" "}
            +{patch.added} −{patch.removed}
          </span>
        )}
      </summary>
      {file.status !== "deleted" && (
        <p className="tools">
          <Download
            path={withQuery(`${sessionPath(file.session_id)}/changes/file`, {
              message_id: file.message_id,
              path: file.path,
            })}
            name={file.path.split("/").at(-1) ?? ""}
          >
            Download
          </Download>
        </p>
      )}
      {patch === undefined || patch.lines.length === 0 ? (
        <p className="quiet">{patch?.isBinary ? "It is not text." : "Its lines are not shown here."}</p>
      ) : (
        <PatchTable patch={patch} commenting={commenting} />
      )}
    </details>
  );
}
