import { defineConfig } from "vitest/config";

// One project for each package of the front end; `console/` joins by a line of its own.
export default defineConfig({ test: { projects: ["packages/react", "console"] } });
