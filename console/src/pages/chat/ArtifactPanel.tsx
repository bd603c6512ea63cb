import type { Artifact } from "@xswarm/react";
import type { ReactElement } from "react";

/** An artifact beside the text. */
export function ArtifactPanel({
  artifact,
  onClose,
}: {
  readonly artifact: Artifact;
  readonly onClose: () => void;
}): ReactElement {
  const { title, type, data } = artifact;
  return (
    <aside className="artifact" aria-labelledby="artifact-title">
      <header>
        <h2 id="artifact-title">{title}</h2>
        <button type="button" onClick={onClose}>
          Close
        </button>
      </header>
      <p className="quiet">{type}</p>
      <pre tabIndex={0}>{typeof data === "string" ? data : JSON.stringify(data, null, 2)}</pre>
    </aside>
  );
}
