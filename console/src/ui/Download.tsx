import { useMutation } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { send } from "../app/api.js";
import { saveBlob } from "./save.js";
import { Trouble } from "./Trouble.js";

/** A button that saves a file of the daemon's. */
export function Download({
  path,
  name,
  children,
}: {
  readonly path: string;
  /** What the file is called, without a folder. */
  readonly name: string;
  readonly children: string;
}): ReactElement {
  const download = useMutation({
    mutationFn: async () => (await send(path)).blob(),
    onSuccess: (blob) => saveBlob(name, blob),
  });
  return (
    <>
      <button type="button" disabled={download.isPending} onClick={() => download.mutate()}>
        {children}
        <span className="hidden"> {name}</span>
      </button>
      <Trouble error={download.error} />
    </>
  );
}
