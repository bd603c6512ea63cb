import { isSendKey, useChatDraft } from "@xswarm/react";
import { type ReactElement, useId, useState } from "react";
import { typing, wrote } from "../../app/watching.js";
import { Trouble } from "../../ui/Trouble.js";
import { outgoing, useSending, type Waiting } from "./sending.js";

/** Where a message to Claude Code is written. */
export function SessionComposer({ id, user }: { readonly id: string; readonly user: string }): ReactElement {
  const field = useId();
  const [text, setText, giveBack] = useChatDraft(id, { user });
  const [refusal, setRefusal] = useState<Error | null>(null);
  const { send, sendAgain, forget, waiting } = useSending(id, (refused, why) => {
    if (!giveBack(refused)) return false;
    setRefusal(why);
    return true;
  });
  return (
    <form
      className="xswarm-composer"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() === "") return;
        setRefusal(null);
        send(outgoing(text));
        setText("");
        wrote();
      }}
    >
      <label htmlFor={field} className="hidden">
        Message to Claude Code
      </label>
      <textarea
        id={field}
        aria-keyshortcuts="m"
        rows={2}
        value={text}
        placeholder="Write to Claude Code"
        onChange={(event) => {
          setText(event.target.value);
          if (event.target.value !== "") typing();
        }}
        onKeyDown={(event) => {
          if (!isSendKey(event)) return;
          event.preventDefault();
          event.currentTarget.form?.requestSubmit();
        }}
      />
      <button type="submit" disabled={text.trim() === ""}>
        Send
      </button>
      <Trouble error={refusal} />
      {waiting.map((one) => (
        <Unsent
          key={one.key}
          message={one}
          onSend={() => {
            sendAgain(one);
          }}
          onEdit={() => {
            forget(one);
            setText(text === "" ? one.text : `${one.text}\n${text}`);
          }}
          onForget={() => forget(one)}
        />
      ))}
    </form>
  );
}

/** A message of which it is not known that it was accepted. */
function Unsent({
  message: { text, error, isOver, wasRefused },
  onSend,
  onEdit,
  onForget,
}: {
  readonly message: Waiting;
  readonly onSend: () => void;
  readonly onEdit: () => void;
  readonly onForget: () => void;
}): ReactElement {
  return (
    <div className="unsent">
      <p className="said">{text}</p>
      {isOver && !wasRefused ? (
        <p role="alert">It is not known whether this was accepted. Sent again, it still runs only once.</p>
      ) : (
        <Trouble error={error} />
      )}
      {isOver && (
        <p className="tools">
          {wasRefused ? (
            <button type="button" onClick={onEdit}>
              Edit
            </button>
          ) : (
            <button type="button" onClick={onSend}>
              Send again
            </button>
          )}
          <button type="button" onClick={onForget}>
            Forget
          </button>
        </p>
      )}
    </div>
  );
}
