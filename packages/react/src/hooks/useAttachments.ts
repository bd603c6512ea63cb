import { useRef, useState } from "react";

/** A file that the server has, and that a message can carry. */
export interface Attached {
  readonly id: string;
  /** As the server calls it. */
  readonly name: string;
}

/** How files come to the server, and are taken back before they are sent. */
export interface Attaching {
  readonly attach: (file: File) => Promise<Attached>;
  readonly detach: (attached: Attached) => Promise<unknown>;
}

export interface Attachments {
  readonly files: readonly Attached[];
  /** How many files are on their way. */
  readonly coming: number;
  /** Why the last file was not taken. */
  readonly problem: string | null;
  readonly add: (files: Iterable<File>) => void;
  readonly remove: (attached: Attached) => void;
  /** Returns the files, and forgets them: a message carries them now. */
  readonly take: () => readonly Attached[];
}

/** The files of the message that is being written. */
export function useAttachments(attaching: Attaching | undefined): Attachments {
  const [files, setFiles] = useState<readonly Attached[]>([]);
  const [coming, setComing] = useState(0);
  const [problem, setProblem] = useState<string | null>(null);
  const latest = useRef(files);
  latest.current = files;
  const add = async (file: File): Promise<void> => {
    if (attaching === undefined) return;
    setComing((count) => count + 1);
    try {
      const attached = await attaching.attach(file);
      setFiles((before) => [...before, attached]);
    } catch (error) {
      setProblem(`${file.name}: ${error instanceof Error ? error.message : "it was not taken"}`);
    } finally {
      setComing((count) => count - 1);
    }
  };
  return {
    files,
    coming,
    problem,
    add: (given) => {
      setProblem(null);
      for (const file of given) void add(file);
    },
    remove: (attached) => {
      setFiles((before) => before.filter((one) => one.id !== attached.id));
      attaching?.detach(attached).catch(() => undefined); // what is never sent is deleted anyway
    },
    take: () => {
      setFiles([]);
      setProblem(null);
      return latest.current;
    },
  };
}

/** A text that names the files of its message, as the server keeps it. */
export function withNames(text: string, files: readonly Attached[]): string {
  return files.length === 0 ? text : `${text.trim()}\n\n[attached: ${files.map((file) => file.name).join(", ")}]`;
}
