import { type ReactElement, useEffect, useRef, useState } from "react";
import { isSendKey } from "./composing.js";
import type { Words } from "./words.js";

/** Changes a message that was sent. */
export function Editor({
  content,
  words,
  onSave,
  onCancel,
}: {
  readonly content: string;
  readonly words: Words;
  readonly onSave: (content: string) => void;
  readonly onCancel: () => void;
}): ReactElement {
  const [text, setText] = useState(content);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <form
      className="xswarm-editor"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== "") onSave(text);
      }}
    >
      <textarea
        ref={field}
        aria-label={words.edit}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            event.stopPropagation();
            onCancel();
          } else if (isSendKey(event)) {
            event.preventDefault();
            event.currentTarget.form?.requestSubmit();
          }
        }}
      />
      <button type="submit" disabled={text.trim() === ""}>
        {words.save}
      </button>
      <button type="button" onClick={onCancel}>
        {words.cancel}
      </button>
    </form>
  );
}
