import { memo, type ReactElement, type ReactNode, useState } from "react";
import type { Artifact, ChatMessage, ToolCall } from "../chat/state.js";
import { Editor } from "./Editor.js";
import { piecesOf } from "./pieces.js";
import { ToolCallView } from "./ToolCallView.js";
import type { Words } from "./words.js";

/** What a person can do with a message. */
export interface MessageActions {
  readonly edit: (id: string, content: string) => void;
  readonly sendAgain: (id: string) => void;
  readonly discard: (id: string) => void;
}

export interface MessageViewProps {
  readonly message: ChatMessage;
  /** The id of its element. */
  readonly element: string;
  readonly canEdit: boolean;
  /** Whether it is the one that was looked for. */
  readonly isWanted?: boolean;
  readonly actions: MessageActions;
  readonly words: Words;
  /** Turns text into elements, e.g. Markdown. */
  readonly renderText: (text: string, message: ChatMessage) => ReactNode;
  readonly renderArtifact: (artifact: Artifact) => ReactNode;
  readonly renderInput?: ((call: ToolCall) => ReactNode) | undefined;
}

/** One message. */
export const MessageView = memo(function MessageView(props: MessageViewProps): ReactElement {
  const { message, element, canEdit, actions, words } = props;
  const [isEditing, setEditing] = useState(false);
  const author = message.role === "assistant" ? words.assistant : (message.by ?? words.you);
  return (
    <li
      id={element}
      className={`xswarm-message xswarm-${message.role}${props.isWanted ? " xswarm-wanted" : ""}`}
      aria-busy={message.status === "streaming"}
    >
      <p className="xswarm-author">{author}</p>
      {isEditing ? (
        <Editor
          content={message.content}
          words={words}
          onSave={(content) => {
            setEditing(false);
            actions.edit(message.id, content);
          }}
          onCancel={() => setEditing(false)}
        />
      ) : (
        piecesOf(message).map((piece) =>
          piece.kind === "text" ? (
            <div key={piece.key} className="xswarm-text">
              {props.renderText(piece.text, message)}
            </div>
          ) : (
            <ToolCallView key={piece.key} call={piece.call} words={words} renderInput={props.renderInput} />
          ),
        )
      )}
      {message.artifacts.map((artifact) => (
        <div key={artifact.id} className="xswarm-artifact">
          {props.renderArtifact(artifact)}
        </div>
      ))}
      <State message={message} actions={actions} words={words} />
      {canEdit && !isEditing && (
        <button type="button" className="xswarm-quiet" onClick={() => setEditing(true)}>
          {words.edit}
        </button>
      )}
    </li>
  );
});

function State({
  message,
  actions,
  words,
}: Pick<MessageViewProps, "message" | "actions" | "words">): ReactElement | null {
  const { status, queue, error, id } = message;
  const state = {
    waiting: words.notSent,
    uncertain: words.uncertain,
    unsent: words.unsent,
    refused: error,
    failed: error,
    interrupted: words.interrupted,
    queued: queue === null ? words.queued : [words.queued, queue.reason].filter(Boolean).join(": "),
    streaming: message.content === "" && message.toolCalls.length === 0 ? words.waiting : null,
    answering: null,
    sent: null,
    done: null,
  }[status];
  if (state === null) return null;
  return (
    <p className={`xswarm-state xswarm-state-${status}`}>
      {state}
      {(status === "unsent" || status === "refused") && (
        <>
          <button type="button" onClick={() => actions.sendAgain(id)}>
            {words.sendAgain}
          </button>
          <button type="button" onClick={() => actions.discard(id)}>
            {words.discard}
          </button>
        </>
      )}
    </p>
  );
}
