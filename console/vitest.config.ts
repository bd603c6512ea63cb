import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { name: "console", environment: "happy-dom", include: ["tests/**/*.test.{ts,tsx}"], restoreMocks: true },
});
