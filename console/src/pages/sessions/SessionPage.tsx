import { useFollowing } from "@xswarm/react";
import "@xswarm/react/styles.css";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactElement, useEffect } from "react";
import { Link, Redirect, useSearch } from "wouter";
import { call, Refused, withQuery } from "../../app/api.js";
import { useEvery } from "../../app/live.js";
import { useMe } from "../../app/me.js";
import { type Answering, type Present, useWatched } from "../../app/watching.js";
import { usd } from "../../ui/money.js";
import { Trouble } from "../../ui/Trouble.js";
import { minute } from "../../ui/time.js";
import { useApprovals } from "../approvals/approvals.js";
import { Markdown } from "../chat/Markdown.js";
import { Interrupt } from "./Interrupt.js";
import { SessionComposer } from "./SessionComposer.js";
import { nameOf, pathOf, type Session } from "./sessions.js";
import { isRunning, type Said, searched, stateOf, useTranscript, useWhy } from "./transcript.js";
import "./session.css";

/** How often the session is read again where nothing says that it changed, in milliseconds. */
const EVERY_MS = 3_000;

/** One session of Claude Code: what was said in it, who is there, and where to write. */
export default function SessionPage({ id }: { readonly id: string }): ReactElement {
  const me = useMe();
  const { data: session, error } = useQuery({
    queryKey: ["sessions", "one", id],
    queryFn: ({ signal }) => call<Session>(pathOf(id), { signal }),
    refetchInterval: useEvery(EVERY_MS),
  });
  if (session?.kind === "chat" && session.user_id === me?.user_id) return <Redirect to={`/chat/${id}`} replace />;
  return (
    <div className="xswarm-chat session-page">
      <header>
        <h1>{session === undefined ? "Session" : nameOf(session)}</h1>
        <p className="tools">
          <Link href="/sessions">All sessions</Link>
          <Link href={withQuery("/changes", { session: id })}>Changes</Link>
          {session !== undefined && (
            <span className="quiet">
              {session.user_id}, {session.status}, {usd(session.cost_usd)}, since {minute(session.started_at)} UTC,{" "}
              <code title={id}>…{id.slice(-6)}</code>
            </span>
          )}
          {session !== undefined && <Interrupt session={session} />}
        </p>
        <Trouble error={error} />
      </header>
      {session !== undefined && me !== undefined && <Transcript session={session} user={me.user_id ?? ""} />}
    </div>
  );
}

function Transcript({ session, user }: { readonly session: Session; readonly user: string }): ReactElement {
  const { session_id: id } = session;
  const wanted = new URLSearchParams(useSearch()).get("message");
  const { data, error, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = useTranscript(id);
  const { users, answering } = useWatched(id);
  const messages = data?.pages.toReversed().flatMap((page) => page.messages) ?? [];
  const live = answering !== null && isRunning(messages, answering.message) ? answering : null;
  const queries = useQueryClient();
  const isNew = live !== null && data !== undefined && !messages.some((one) => one.id === live.message);
  useEffect(() => {
    if (isNew) void queries.invalidateQueries({ queryKey: ["transcript", id] });
  }, [isNew, queries, id]);
  const search = searched(wanted, data?.pages ?? [], hasNextPage, isFetchNextPageError);
  const found = search === "found";
  const { scroller, isFollowing, toEnd, stay, onScroll } = useFollowing(
    `${messages.length} ${live?.text.length}`,
    null,
    messages[0] === undefined ? null : elementOf(messages[0].id),
  );
  useEffect(() => {
    if (wanted === null || !found) return;
    stay();
    document.getElementById(elementOf(wanted))?.scrollIntoView({ block: "start" });
  }, [wanted, found, stay]);
  useEffect(() => {
    if (search === "goes on" && hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [search, hasNextPage, isFetchingNextPage, fetchNextPage]);
  if (error instanceof Refused && error.status === 404) {
    return (
      <p className="quiet">
        Only {session.user_id} reads what is said here, and those with whom the project shares its sessions.
      </p>
    );
  }
  return (
    <>
      <section ref={scroller} className="said-here" aria-label="Messages" tabIndex={0} onScroll={onScroll}>
        <Trouble error={error} />
        {search === "too far" && (
          <p className="quiet" role="status">
            The message stands further up than the newest {messages.length}.
          </p>
        )}
        {search === "nowhere" && (
          <p className="quiet" role="status">
            The message is not in this session.
          </p>
        )}
        {hasNextPage && (
          <button type="button" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            Earlier messages
          </button>
        )}
        {data !== undefined && messages.length === 0 && <p className="quiet">Nothing was said yet.</p>}
        <ol className="xswarm-messages">
          {messages.map((one) => (
            <Message
              key={one.id}
              said={one}
              isWanted={one.id === wanted}
              isLive={one.id === live?.message}
              user={user}
            />
          ))}
          {live !== null && <Running answering={live} />}
        </ol>
      </section>
      {!isFollowing && (
        <button type="button" className="to-end" onClick={toEnd}>
          To the newest message
        </button>
      )}
      <Questions session={id} />
      <Presence users={users} user={user} />
      <SessionComposer id={id} user={user} />
    </>
  );
}

function elementOf(message: string): string {
  return `said-${message}`;
}

function Message({
  said,
  isWanted,
  isLive,
  user,
}: {
  readonly said: Said;
  readonly isWanted: boolean;
  /** Whether its answer is shown as it grows. */
  readonly isLive: boolean;
  readonly user: string;
}): ReactElement {
  const isAnswer = said.direction === "from_claude";
  const author = isAnswer ? "Claude Code" : said.user_id === user ? "You" : (said.user_id ?? "Somebody");
  const state = isLive ? "" : stateOf(said);
  const kind = isAnswer ? "xswarm-assistant" : "xswarm-user";
  return (
    <li id={elementOf(said.id)} className={`xswarm-message ${kind}${isWanted ? " xswarm-wanted" : ""}`}>
      <p className="xswarm-author">
        {author} <span className="quiet">{minute(said.timestamp)}</span>
      </p>
      {isAnswer ? <Markdown text={said.message} /> : <div className="said">{said.message}</div>}
      {said.truncated && <p className="quiet">It is longer than this page shows.</p>}
      {state !== "" && <p className="quiet">{state}</p>}
      {said.status === "failed" && !isAnswer && <Why message={said.id} />}
    </li>
  );
}

function Why({ message }: { readonly message: string }): ReactElement | null {
  const { data } = useWhy(message);
  return data === undefined || data === "" ? null : <p className="quiet">{data}</p>;
}

function Running({ answering }: { readonly answering: Answering }): ReactElement {
  return (
    <li className="xswarm-message xswarm-assistant" aria-busy="true">
      <p className="xswarm-author">
        Claude Code <span className="quiet">{answering.tool === "" ? "answers" : `uses ${answering.tool}`}</span>
      </p>
      <Markdown text={answering.text} isRunning />
    </li>
  );
}

/** What Claude Code asks this person in the session; it is answered in the list of all questions. */
function Questions({ session }: { readonly session: string }): ReactElement {
  const open = useApprovals().data?.filter((one) => one.session_id === session) ?? [];
  return (
    <>
      {open.map((one) => (
        <p key={one.approval_id} className="asks">
          <Link href="/approvals">Claude Code waits for a yes: {one.summary}</Link>
        </p>
      ))}
    </>
  );
}

/** Who else looks at the session, and who writes in it. */
function Presence({ users, user }: { readonly users: readonly Present[]; readonly user: string }): ReactElement {
  const others = users.filter((one) => one.id !== user);
  const told = [
    { names: others.filter((one) => one.state === "writing"), does: ["is writing", "are writing"] },
    {
      names: others.filter((one) => one.state === "viewing"),
      does: ["is looking at this too", "are looking at this too"],
    },
  ]
    .filter(({ names }) => names.length > 0)
    .map(({ names, does }) => `${names.map((one) => one.id).join(", ")} ${names.length === 1 ? does[0] : does[1]}.`);
  return (
    <p className="quiet present" role="status">
      {told.join(" ")}
    </p>
  );
}
