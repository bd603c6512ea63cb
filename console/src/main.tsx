import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App.js";
import { Refused } from "./app/api.js";
import { askWhoItIs } from "./app/session.js";
import "./styles.css";

/** A request that was refused is not sent again; one that got no answer is. */
function isWorthARetry(failures: number, error: Error): boolean {
  return failures < 3 && !(error instanceof Refused && error.status < 500);
}

const queries = new QueryClient({ defaultOptions: { queries: { retry: isWorthARetry, staleTime: 1_000 } } });

void askWhoItIs();

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
