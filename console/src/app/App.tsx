import { useQueryClient } from "@tanstack/react-query";
import { lazy, type ReactElement, Suspense, useEffect } from "react";
import { Redirect, Route, Switch, useLocation } from "wouter";
import { Boundary } from "./Boundary.js";
import { Shell } from "./Shell.js";
import { SignIn } from "./SignIn.js";
import { useSignedIn } from "./session.js";

const AgentsPage = lazy(() => import("../pages/agents/AgentsPage.js"));
const ApprovalsPage = lazy(() => import("../pages/approvals/ApprovalsPage.js"));
const AuditPage = lazy(() => import("../pages/audit/AuditPage.js"));
const ChangesPage = lazy(() => import("../pages/changes/ChangesPage.js"));
const ChatPage = lazy(() => import("../pages/chat/ChatPage.js"));
const ConversationPage = lazy(() => import("../pages/agents/ConversationPage.js"));
const CostsPage = lazy(() => import("../pages/costs/CostsPage.js"));
const DashboardPage = lazy(() => import("../pages/dashboard/DashboardPage.js"));
const HealthPage = lazy(() => import("../pages/dashboard/HealthPage.js"));
const MessagesPage = lazy(() => import("../pages/messages/MessagesPage.js"));
const OutboxPage = lazy(() => import("../pages/outbox/OutboxPage.js"));
const PeoplePage = lazy(() => import("../pages/people/PeoplePage.js"));
const QueuePage = lazy(() => import("../pages/queue/QueuePage.js"));
const SessionPage = lazy(() => import("../pages/sessions/SessionPage.js"));
const SessionsPage = lazy(() => import("../pages/sessions/SessionsPage.js"));
const TokensPage = lazy(() => import("../pages/tokens/TokensPage.js"));
const TurnPage = lazy(() => import("../pages/changes/TurnPage.js"));

/** The console: the sign-in, or the page that the address names. */
export function App(): ReactElement {
  const { user, token, isAsking, why } = useSignedIn();
  const queries = useQueryClient();
  const [path] = useLocation();
  // biome-ignore lint/correctness/useExhaustiveDependencies: what one user has seen is forgotten with the user
  useEffect(() => () => queries.clear(), [queries, user]);
  if (isAsking) return <p role="status">Loading</p>;
  if (user === null) return <SignIn why={why} />;
  return (
    <Shell user={user} token={token?.text}>
      <Boundary path={path}>
        <Suspense fallback={<p role="status">Loading</p>}>
          <Switch>
            <Route path="/">
              <Redirect to="/chat" replace />
            </Route>
            <Route path="/chat/:id?">{({ id }) => <ChatPage id={id} user={user} token={token?.text} />}</Route>
            <Route path="/approvals" component={ApprovalsPage} />
            <Route path="/changes" component={ChangesPage} />
            <Route path="/changes/:session/:message">
              {({ session, message }) => <TurnPage key={message} session={session} message={message} />}
            </Route>
            <Route path="/costs" component={CostsPage} />
            <Route path="/sessions" component={SessionsPage} />
            <Route path="/sessions/:id">{({ id }) => <SessionPage key={id} id={id} />}</Route>
            <Route path="/queue" component={QueuePage} />
            <Route path="/dashboard" component={DashboardPage} />
            <Route path="/dashboard/health" component={HealthPage} />
            <Route path="/messages" component={MessagesPage} />
            <Route path="/outbox" component={OutboxPage} />
            <Route path="/agents" component={AgentsPage} />
            <Route path="/agents/:id">{({ id }) => <ConversationPage id={id} />}</Route>
            <Route path="/people" component={PeoplePage} />
            <Route path="/tokens" component={TokensPage} />
            <Route path="/audit" component={AuditPage} />
            <Route>
              <h1>There is no such page</h1>
            </Route>
          </Switch>
        </Suspense>
      </Boundary>
    </Shell>
  );
}
