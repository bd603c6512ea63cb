import { type FormEvent, type ReactElement, useId, useState } from "react";
import { signIn } from "./session.js";

/** Where a person who is not known yet pastes a token. */
export function SignIn({ why }: { readonly why: string | null }): ReactElement {
  const [problem, setProblem] = useState<string | null>(null);
  const field = useId();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    setProblem(signIn(String(new FormData(event.currentTarget).get("token") ?? "")));
  };
  return (
    <main className="sign-in">
      <h1>xswarm</h1>
      {why !== null && <p role="status">{why}</p>}
      <p>
        <a href="/sign-in">Sign in with a passkey, a link or another service</a>
      </p>
      <form onSubmit={submit}>
        <label htmlFor={field}>Or paste a token</label>
        <input id={field} name="token" type="password" autoComplete="off" spellCheck={false} required />
        <button type="submit">Sign in</button>
      </form>
      {problem !== null && <p role="alert">{problem}</p>}
      <p className="quiet">
        On the machine of the daemon, <code>xswarm token jwt --user ID</code> prints a token for an hour. This tab keeps
        it, and forgets it when it is closed.
      </p>
    </main>
  );
}
