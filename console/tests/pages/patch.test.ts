import { describe, expect, it } from "vitest";
import { filesOf, isCut } from "../../src/pages/changes/patch.js";

const DIFF = `diff --git a/src/a.py b/src/a.py
index 83db48f..bf2698e 100644
--- a/src/a.py
+++ b/src/a.py
@@ -1,3 +1,3 @@ def f():
 one
--- two
+++ 2
 three
@@ -10 +10,2 @@
 ten
+diff --git a/x b/x
diff --git a/gone.txt b/gone.txt
deleted file mode 100644
index 83db48f..0000000
--- a/gone.txt
+++ /dev/null
@@ -1 +0,0 @@
-last words
\\ No newline at end of file
diff --git a/picture.png b/picture.png
new file mode 100644
index 0000000..bf2698e
Binary files /dev/null and b/picture.png differ
diff --git "a/caf\\303\\251 \\"1\\".txt" "b/caf\\303\\251 \\"1\\".txt"
new file mode 100644
index 0000000..e69de29
`;

describe("files of a diff", () => {
  const files = filesOf(DIFF);

  it("have their path, also where it is quoted or the file is gone", () => {
    expect(files.map((file) => file.path)).toEqual(["src/a.py", "gone.txt", "picture.png", 'café "1".txt']);
  });

  it("have lines with their numbers before and after, whatever a line looks like", () => {
    expect(files[0]?.lines.map((line) => [line.kind, line.before, line.after, line.text])).toEqual([
      ["place", null, null, "@@ -1,3 +1,3 @@ def f():"],
      ["same", 1, 1, "one"],
      ["removed", 2, null, "-- two"],
      ["added", null, 2, "++ 2"],
      ["same", 3, 3, "three"],
      ["place", null, null, "@@ -10 +10,2 @@"],
      ["same", 10, 10, "ten"],
      ["added", null, 11, "diff --git a/x b/x"],
    ]);
    expect([files[0]?.added, files[0]?.removed]).toEqual([2, 1]);
  });

  it("say that a last line has no end, and that a file is not text", () => {
    expect(files[1]?.lines.at(-1)).toMatchObject({ kind: "place", text: "No newline at end of file" });
    expect(files.map((file) => file.isBinary)).toEqual([false, false, true, false]);
  });

  it("end where the daemon has cut the diff", () => {
    const cut = `${DIFF.slice(0, DIFF.indexOf("+++ 2"))}\n[the difference is longer; the rest is left out]\n`;
    expect(isCut(cut)).toBe(true);
    expect(filesOf(cut)[0]?.lines.at(-1)?.text).toBe("-- two");
  });

  it("are none where nothing was recorded", () => {
    expect(filesOf("")).toEqual([]);
  });
});
