/** The measures of the space, as the page that the library writes. */
import { useEffect, useState } from "preact/hooks";
import { useLive } from "../live.ts";
import { ask, tasks } from "../state.ts";
import { Button, save, State } from "./components.tsx";
import { fileStem } from "./saving.ts";
import { dark } from "./theme.ts";

/** The report in the colours of this page, whatever those of the system are. */
const inTheme = (page: string): string =>
  page
    .replaceAll("(prefers-color-scheme:dark)", dark.value ? "all" : "not all")
    .replace('content="light dark"', `content="${dark.value ? "dark" : "light"}"`);

export function ReportView() {
  const live = useLive("report", (signal) => ask("report", {}, null, signal));
  const page = live.value;
  const done = tasks.value.find(({ what }) => what === "report")?.done ?? null;
  const name = fileStem();
  const [url, setUrl] = useState("");
  useEffect(() => {
    if (!page) return;
    const made = URL.createObjectURL(new Blob([page], { type: "text/html" }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [page]);
  return (
    <>
      <div class="head">
        <h1>Report</h1>
        {page && (
          <div class="row">
            <a class="button" href={url} target="_blank" rel="noopener" title="The whole width of a tab">
              Open in a tab
            </a>
            <Button
              icon="save"
              onClick={() => save(new Blob([page], { type: "text/html" }), `${name}-report.html`)}
              title="As a page (HTML) that needs nothing else"
            >
              Save
            </Button>
          </div>
        )}
      </div>
      <State
        busy={live.busy}
        error={live.error}
        words={
          `Measuring the space${done ? `, ${Math.round(100 * done)} %` : ""}; the first time takes ` +
          `minutes, and you can go on meanwhile`
        }
      />
      {page && <iframe class="report" title="Report" sandbox="" srcDoc={inTheme(page)} />}
    </>
  );
}
