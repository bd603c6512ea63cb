import type { ReactElement } from "react";
import { Refused } from "../app/api.js";

/** What went wrong with a request, and what can be done about it. */
export function Trouble({ error }: { readonly error: Error | null }): ReactElement | null {
  if (error === null) return null;
  if (error instanceof DOMException) return <p role="alert">The passkey was not shown, so nothing was changed.</p>;
  if (!(error instanceof Refused)) return <p role="alert">The daemon does not answer. It is asked again.</p>;
  return (
    <p role="alert">
      {error.message}
      {error.remedy !== "" && <span className="quiet"> {error.remedy}</span>}
    </p>
  );
}
