import type { Artifact } from "@xswarm/react";
import type { ReactElement } from "react";
import { save } from "../../ui/save.js";
import { Markdown } from "./Markdown.js";
import { Value } from "./Value.js";

/** An artifact beside the text. */
export function ArtifactPanel({
  artifact,
  onClose,
}: {
  readonly artifact: Artifact;
  readonly onClose: () => void;
}): ReactElement {
  const { title, type, data } = artifact;
  const [text, suffix] = typeof data === "string" ? [data, "txt"] : [JSON.stringify(data, null, 2), "json"];
  return (
    <aside className="artifact" aria-labelledby="artifact-title">
      <header>
        <h2 id="artifact-title">{title}</h2>
        <span>
          <button type="button" onClick={() => save(`${title}.${suffix}`, "text/plain", text)}>
            Download
          </button>{" "}
          <button type="button" onClick={onClose}>
            Close
          </button>
        </span>
      </header>
      <p className="quiet">{type}</p>
      {typeof data === "string" ? <Markdown text={data} /> : <Value value={data} />}
    </aside>
  );
}
