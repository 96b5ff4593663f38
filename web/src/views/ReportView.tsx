/** The measures of the space, as the page that the library writes. */
import { useLive } from "../live.ts";
import { ask } from "../state.ts";
import { State } from "./bits.tsx";

export function ReportView() {
  const live = useLive("report", (signal) => ask("report", {}, null, signal));
  return (
    <>
      <h1>Report</h1>
      <State busy={live.busy} error={live.error} words="Measuring the space; the first time takes minutes, and you can go on meanwhile" />
      {live.value && <iframe class="report" title="Report" sandbox="" srcDoc={live.value} />}
    </>
  );
}
