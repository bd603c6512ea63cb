import { type ReactElement, type ReactNode, useCallback, useEffect, useRef } from "react";
import { Link, useLocation } from "wouter";
import { useApprovals } from "../pages/approvals/approvals.js";
import { type KeyAction, keysOf, use, useKeys } from "./keys.js";
import { useLive } from "./live.js";
import { useMe } from "./me.js";
import { pagesOf } from "./pages.js";
import { signOut } from "./session.js";

/** What stands around every page: where one can go, who is signed in, the keys. */
export function Shell({
  user,
  token,
  children,
}: {
  readonly user: string;
  /** undefined = a cookie says who it is. */
  readonly token: string | undefined;
  readonly children: ReactNode;
}): ReactElement {
  useLive(user, token);
  const [location, navigate] = useLocation();
  const help = useRef<HTMLDialogElement>(null);
  const pages = pagesOf(useMe());
  const onAction = useCallback(
    (action: NonNullable<KeyAction>): void => {
      if ("open" in action) navigate(action.open);
      else if ("use" in action) use(action.use);
      else if (help.current?.open === false) help.current.showModal();
    },
    [navigate],
  );
  useKeys(onAction);
  const open = location.split("/")[1];
  const nav = useRef<HTMLElement>(null);
  // On a phone the pages scroll sideways in one line.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page, or another list of pages
  useEffect(() => {
    const current = nav.current?.querySelector<HTMLElement>("[aria-current]");
    if (current != null && nav.current !== null)
      nav.current.scrollLeft = current.offsetLeft - nav.current.clientWidth / 2;
  }, [open, pages.length]);
  return (
    <div className="shell">
      <header className="bar">
        <nav ref={nav} aria-label="Pages">
          {pages.map((page) => (
            <Link key={page.name} href={`/${page.name}`} aria-current={open === page.name ? "page" : undefined}>
              {page.title}
              {page.name === "approvals" && <Badge />}
            </Link>
          ))}
        </nav>
        <div className="who">
          <span>{user}</span>
          <button type="button" className="keys" onClick={() => help.current?.showModal()} aria-label="Keys">
            ?
          </button>
          <button type="button" onClick={() => void signOut()}>
            Sign out
          </button>
        </div>
      </header>
      <main>{children}</main>
      <dialog ref={help} aria-labelledby="keys-title">
        <h2 id="keys-title">Keys</h2>
        <dl>
          {keysOf(pages).map(([key, does]) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
        <form method="dialog">
          <button type="submit">Close</button>
        </form>
      </dialog>
    </div>
  );
}

/** How many questions wait for this person; also in the title of the tab. */
function Badge(): ReactElement | null {
  const waiting = useApprovals().data?.length ?? 0;
  useEffect(() => {
    document.title = waiting === 0 ? "xswarm" : `(${waiting}) xswarm`;
  }, [waiting]);
  return waiting === 0 ? null : (
    <span className="badge">
      {waiting}
      <span className="hidden"> open</span>
    </span>
  );
}
