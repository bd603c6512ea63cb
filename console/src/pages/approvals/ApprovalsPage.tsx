import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactElement, useId, useState } from "react";
import { call } from "../../app/api.js";
import { DiffView } from "../../ui/DiffView.js";
import { Trouble } from "../../ui/Trouble.js";
import { timeLeft, useNow } from "../../ui/time.js";
import { type Answer, type Approval, allowWithPasskey, KEY, mayProve, pathOf, useApprovals } from "./approvals.js";

const MINUTES = 30;

/** Every tool call that waits for this person, to be answered here. */
export default function ApprovalsPage(): ReactElement {
  const { data, error } = useApprovals();
  const now = useNow();
  return (
    <>
      <h1>Approvals</h1>
      <Trouble error={error} />
      {data?.length === 0 && (
        <p className="quiet">
          Nothing waits for you. When Claude Code wants to do something that the project's permissions do not allow by
          themselves, its question appears here, and on the channel that the task came by.
        </p>
      )}
      <ul className="cards">
        {data?.map((approval) => (
          <Question key={approval.approval_id} approval={approval} now={now} />
        ))}
      </ul>
    </>
  );
}

function Question({ approval, now }: { readonly approval: Approval; readonly now: number }): ReactElement {
  const [note, setNote] = useState("");
  const queries = useQueryClient();
  const title = useId();
  const answer = useMutation({
    mutationFn: (body: Answer) => call(pathOf(approval), { method: "POST", body }),
    onSettled: () => queries.invalidateQueries({ queryKey: KEY }),
  });
  const proven = useMutation({
    mutationFn: (body: Answer) => allowWithPasskey(approval, body),
    onSettled: () => queries.invalidateQueries({ queryKey: KEY }),
  });
  const decide = (decision: Answer["decision"], minutes = 0): void =>
    answer.mutate({ decision, minutes, ...(note.trim() === "" ? {} : { note: note.trim() }) });
  const refused = answer.variables?.decision === "allow" && mayProve(answer.error) ? answer.variables : null;
  const isClosed = answer.isPending || answer.isSuccess || proven.isPending || proven.isSuccess;
  return (
    <li className="card" aria-labelledby={title}>
      <h2 id={title}>{approval.summary}</h2>
      <dl className="facts">
        <Fact name="Asked for">{approval.user_id}</Fact>
        <Fact name="Project">{approval.project || "none"}</Fact>
        <Fact name="Tool">{approval.tool}</Fact>
        <Fact name="Risk">{approval.risk}</Fact>
        <Fact name="Code">{approval.code}</Fact>
        <Fact name="Time left">{timeLeft(approval.expires_at, now)}</Fact>
      </dl>
      {approval.diff !== "" && <DiffView diff={approval.diff} />}
      <details open={approval.diff === ""}>
        <summary>The whole call</summary>
        <WholeCall approval={approval} />
      </details>
      <div className="decision">
        <input
          aria-label="Note"
          placeholder="Note"
          value={note}
          maxLength={1000}
          onChange={(event) => setNote(event.target.value)}
        />
        <button type="button" className="main" disabled={isClosed} onClick={() => decide("allow")}>
          Yes
        </button>
        <button type="button" disabled={isClosed} onClick={() => decide("allow", MINUTES)}>
          Yes, for {MINUTES} minutes
        </button>
        <button type="button" disabled={isClosed} onClick={() => decide("deny")}>
          No
        </button>
      </div>
      <Trouble error={answer.error} />
      {refused !== null && (
        <button type="button" className="main" disabled={isClosed} onClick={() => proven.mutate(refused)}>
          Yes, with a passkey
        </button>
      )}
      <Trouble error={proven.error} />
    </li>
  );
}

/** The call; a list holds only the beginning of a long one. */
function WholeCall({ approval }: { readonly approval: Approval }): ReactElement {
  const whole = useMutation({ mutationFn: () => call<Approval>(pathOf(approval)) });
  return (
    <>
      <pre tabIndex={0}>{whole.data?.call ?? approval.call}</pre>
      {approval.truncated && whole.data === undefined && (
        <button type="button" onClick={() => whole.mutate()}>
          Show all of it
        </button>
      )}
      {whole.data !== undefined && whole.data.diff !== approval.diff && <DiffView diff={whole.data.diff} />}
      <Trouble error={whole.error} />
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
