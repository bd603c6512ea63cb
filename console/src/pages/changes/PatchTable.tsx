import type { ReactElement } from "react";
import type { FilePatch, PatchLine } from "./patch.js";

const SIGNS = { added: "+", removed: "-", same: " ", place: "" } as const;

/** The lines of a file with their numbers; the signs stay, so that it can be read without colours. */
export function PatchTable({ patch }: { readonly patch: FilePatch }): ReactElement {
  return (
    // biome-ignore lint/a11y/useSemanticElements: it scrolls, so the keyboard must reach it
    <div className="wide patch" role="group" aria-label={`Lines of ${patch.path}`} tabIndex={0}>
      <table>
        <thead className="hidden">
          <tr>
            <th scope="col">Before</th>
            <th scope="col">After</th>
            <th scope="col">Line</th>
          </tr>
        </thead>
        <tbody>
          {patch.lines.map((line, place) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a line of a diff keeps its place
            <Line key={place} line={line} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Line({ line }: { readonly line: PatchLine }): ReactElement {
  return (
    <tr className={line.kind}>
      <td className="line">{line.before}</td>
      <td className="line">{line.after}</td>
      <td className="text">
        {SIGNS[line.kind]}
        {line.text}
      </td>
    </tr>
  );
}
