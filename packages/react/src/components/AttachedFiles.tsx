import { type ReactElement, useRef } from "react";
import type { Attachments } from "../hooks/useAttachments.js";
import type { Words } from "./words.js";

/** The files of the message that is being written, and a button to add some. */
export function AttachedFiles({
  attachments,
  words,
}: {
  readonly attachments: Attachments;
  readonly words: Words;
}): ReactElement {
  const chooser = useRef<HTMLInputElement>(null);
  const { files, coming, problem } = attachments;
  return (
    <div className="xswarm-attached">
      <input
        ref={chooser}
        type="file"
        multiple
        hidden
        aria-label={words.attach}
        onChange={(event) => {
          attachments.add([...(event.target.files ?? [])]);
          event.target.value = "";
        }}
      />
      <button type="button" className="xswarm-quiet" onClick={() => chooser.current?.click()}>
        {words.attach}
      </button>
      {files.map((file) => (
        <span key={file.id} className="xswarm-file">
          {file.name}{" "}
          <button type="button" className="xswarm-quiet" onClick={() => attachments.remove(file)}>
            {words.discard}
            <span className="xswarm-hidden"> {file.name}</span>
          </button>
        </span>
      ))}
      <span role="status">{coming > 0 && words.attaching}</span>
      {problem !== null && <span role="alert">{problem}</span>}
    </div>
  );
}
