import type { ReactElement } from "react";
import { Link } from "wouter";
import { withQuery } from "../../app/api.js";
import { Download } from "../../ui/Download.js";
import { Trouble } from "../../ui/Trouble.js";
import { minute } from "../../ui/time.js";
import { sessionPath, useTurn } from "./changes.js";
import { FileChanges } from "./FileChanges.js";
import { ReviewPanel } from "./ReviewPanel.js";
import { UndoPanel } from "./UndoPanel.js";
import { useDraft } from "./useReview.js";
import "./changes.css";

/** What one turn changed, file by file, and how it is taken back. */
export default function TurnPage({
  session,
  message,
}: {
  readonly session: string;
  readonly message: string;
}): ReactElement {
  const { data: turn, error } = useTurn(session, message);
  const [comments, act] = useDraft(message);
  return (
    <>
      <nav className="tools" aria-label="Way back">
        <Link href="/changes">All changes</Link>
      </nav>
      <h1>Changes of a turn</h1>
      <Trouble error={error} />
      {turn !== undefined && (
        <>
          <p className="prompt">{turn.message}</p>
          <dl className="facts">
            <Fact name="User">{turn.user_id}</Fact>
            <Fact name="Project">{turn.project}</Fact>
            <Fact name="Since (UTC)">{minute(turn.timestamp)}</Fact>
            <Fact name="Files">{String(turn.files.length)}</Fact>
          </dl>
          <UndoPanel turn={turn} />
          {turn.diff !== "" && (
            <p className="tools">
              <Download
                path={withQuery(`${sessionPath(session)}/changes/patch`, { message_id: message })}
                name={`${message}.patch`}
              >
                Download patch
              </Download>
            </p>
          )}
          <FileChanges turn={turn} commenting={{ comments, act }} />
          <ReviewPanel turn={turn} comments={comments} onSent={() => act({ kind: "clear" })} />
        </>
      )}
    </>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: string }): ReactElement {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
