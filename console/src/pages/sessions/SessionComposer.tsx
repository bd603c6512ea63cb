import { useMutation, useQueryClient } from "@tanstack/react-query";
import { isSendKey, useChatDraft } from "@xswarm/react";
import { type ReactElement, useEffect, useId, useRef } from "react";
import { call, Refused } from "../../app/api.js";
import { typing, wrote } from "../../app/watching.js";
import { Trouble } from "../../ui/Trouble.js";
import { pathOf } from "./sessions.js";

/** Where a message to Claude Code is written. */
export function SessionComposer({ id, user }: { readonly id: string; readonly user: string }): ReactElement {
  const field = useId();
  const [text, setText] = useChatDraft(id, { user });
  const latest = useRef(text);
  useEffect(() => {
    latest.current = text;
  });
  const queries = useQueryClient();
  const send = useMutation({
    // The answer comes with the transcript; this request waits for it, and says why there is none.
    mutationFn: (message: string) => call(`${pathOf(id)}/messages`, { method: "POST", body: { message } }),
    onError: (error, message) => {
      const wasTaken = error instanceof Refused && error.code === "turn_failed";
      if (!wasTaken && latest.current === "") setText(message);
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["transcript", id] }),
  });
  return (
    <form
      className="xswarm-composer"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() === "") return;
        send.mutate(text);
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
      <Trouble error={send.error} />
    </form>
  );
}
