import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "console",
    environment: "happy-dom",
    include: ["tests/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
