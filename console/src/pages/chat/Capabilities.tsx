import { type ReactElement, useState } from "react";
import { Trouble } from "../../ui/Trouble.js";
import { examplesOf, groupsOf, useServers } from "./capabilities.js";

/** What the assistant can do here: its tools by category, and questions that one tap asks. */
export default function Capabilities({
  onTry,
  onClose,
}: {
  readonly onTry: (text: string) => void;
  readonly onClose: () => void;
}): ReactElement {
  const { data, error } = useServers();
  const [words, setWords] = useState("");
  const servers = data ?? [];
  const groups = groupsOf(servers, words);
  const examples = examplesOf(servers);
  return (
    <aside className="artifact" aria-labelledby="capabilities-title">
      <header>
        <h2 id="capabilities-title">What it can do</h2>
        <button type="button" onClick={onClose}>
          Close
        </button>
      </header>
      <Trouble error={error} />
      {examples.length > 0 && (
        <section className="examples" aria-label="Questions to try">
          {examples.map((example) => (
            <button type="button" key={example} onClick={() => onTry(example)}>
              {example}
            </button>
          ))}
        </section>
      )}
      <input
        type="search"
        aria-label="Search in the tools"
        placeholder="Search"
        value={words}
        onChange={(event) => setWords(event.target.value)}
      />
      {data !== undefined && servers.length === 0 && (
        <p className="quiet">
          No tools are set up for your role. The assistant answers from what you tell it; <code>[mcp.NAME]</code> in
          config.toml gives it tools.
        </p>
      )}
      {servers.length > 0 && groups.length === 0 && <p className="quiet">No tool has these words.</p>}
      {groups.map(({ name, works, tools }) => (
        <section key={name} aria-label={name}>
          <h3>
            {name} {!works && <span className="quiet">(does not answer now)</span>}
          </h3>
          <ul className="capabilities">
            {tools.map((tool) => (
              <li key={tool.name}>
                <strong>{tool.title || tool.name}</strong> {!tool.reads && <span className="quiet">(asks first)</span>}
                <p>{tool.description}</p>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </aside>
  );
}
