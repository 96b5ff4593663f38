/** Items as a table: what the map shows, a group, what a condition holds for, the loneliest. */
import { useEffect } from "preact/hooks";
import { type Listed } from "../document.ts";
import { ordered, someCondition, told } from "../listing.ts";
import { useLive } from "../live.ts";
import { human, title } from "../names.ts";
import { short } from "../scales.ts";
import {
  able,
  ask,
  change,
  columnOf,
  columns,
  complain,
  doc,
  idOf,
  listed,
  select,
  shown,
} from "../state.ts";
import { space } from "../state.ts";
import { shownRows } from "./actions.ts";
import { Button, copy, State, trying } from "./components.tsx";
import { noun, read, Thumb, valueOf } from "./Item.tsx";
import { saveRows } from "./saving.ts";

const MOST = 300; // rows of the table
const NAMES: Readonly<Record<Listed, string>> = {
  shown: "Shown",
  a: "A",
  b: "B",
  where: "Found",
  lonely: "Loneliest",
};

interface Group {
  rows: readonly number[];
  /** How far each stands from the others, of the loneliest. */
  times: ReadonlyMap<number, number> | null;
}

/** The rows of the group that is listed. */
function useGroup(): { group: Group | null; busy: boolean; error: unknown } {
  const { list, where } = doc.value;
  const asked = list === "where" && where ? `where ${where}` : list === "lonely" ? list : null;
  const live = useLive<Group>(asked, async (signal) => {
    if (list === "where")
      return { rows: [...(await ask("where", { text: where }, null, signal)).rows.data], times: null };
    const { rows, times } = await ask("lonely", {}, null, signal);
    return {
      rows: [...rows.data],
      times: new Map(Array.from(rows.data, (row, i) => [row, times.data[i] ?? NaN])),
    };
  });
  if (asked)
    return { group: live.busy || live.error ? null : live.value, busy: live.busy, error: live.error };
  const rows = list === "a" || list === "b" ? doc.value[list] : list === "shown" ? shownRows() : [];
  return { group: { rows, times: null }, busy: false, error: null };
}

export function ListView() {
  const { group, busy, error } = useGroup();
  const names = space.value?.attributes.map(({ name }) => name) ?? [];
  useEffect(() => void names.forEach((name) => void columnOf(name).catch(complain)), [names.join()]);
  const { list, sort } = doc.value;
  const by = columns.value.get(sort.replace(/^-/, ""));
  const rows = group && by ? ordered(group.rows, by, sort.startsWith("-")) : (group?.rows ?? []);
  const some = rows.slice(0, MOST);
  useEffect(() => {
    listed.value = list === "shown" ? [] : rows;
    return () => void (listed.value = []);
  }, [list, rows.length, rows[0], shown.value]);
  return (
    <>
      <h1>List</h1>
      <Choice />
      <State busy={busy} error={error} words="Looking through all of them" />
      {group && <p class="say">{counted(group)}</p>}
      {rows.length > 0 && <Uses rows={rows} />}
      {rows.length > 0 && <Table rows={some} times={group?.times ?? null} />}
      {group && rows.length > MOST && (
        <p class="fine">
          These are the first {MOST} of {rows.length.toLocaleString("en")}; sorting brings others up, and a
          file holds all.
        </p>
      )}
      <Hint />
    </>
  );
}

function Choice() {
  const { list, a, b, where } = doc.value;
  const there: Readonly<Record<Listed, boolean>> = {
    shown: true,
    a: a.length > 0,
    b: b.length > 0,
    where: where !== "",
    lonely: able("lonely"),
  };
  const kinds = (Object.keys(NAMES) as Listed[]).filter((kind) => there[kind] || kind === list);
  return (
    <div class="segments" role="radiogroup" aria-label="Which items are listed">
      {kinds.map((kind) => (
        <button
          key={kind}
          type="button"
          role="radio"
          aria-checked={kind === list}
          aria-label={kind === "a" || kind === "b" ? `Group ${NAMES[kind]}` : undefined}
          onClick={() => change({ list: kind, sort: "" })}
        >
          {NAMES[kind]}
        </button>
      ))}
    </div>
  );
}

/** How many there are, and what they have in common. */
function counted({ rows }: Group): string {
  const { list, where } = doc.value;
  const many = `${rows.length.toLocaleString("en")} ${noun(rows.length !== 1)}`;
  if (list === "where") return `${many} with ${where}`;
  if (list === "lonely")
    return `The ${many} that lie farthest from all others: read wrong, out of place, or rare.`;
  if (list === "shown") return `${many} that the map shows`;
  return `${many} of group ${list.toUpperCase()}`;
}

function Uses({ rows }: { rows: readonly number[] }) {
  const { list } = doc.value;
  const to = (group: "a" | "b") => change({ [group]: [...rows] });
  return (
    <div class="row list-uses">
      {list !== "a" && <Button onClick={() => to("a")}>To group A</Button>}
      {list !== "b" && <Button onClick={() => to("b")}>To group B</Button>}
      <Button
        icon="save"
        aria-label="Save as CSV"
        title="Save all that is known of them as CSV"
        onClick={trying(() => saveRows(rows, `list-of-${rows.length}`))}
      >
        CSV
      </Button>
      <Button
        icon="copy"
        aria-label="Copy ids"
        title="Copy the ids, as Python writes a list"
        onClick={() => void copy(`ids = [${rows.map(idOf).join(", ")}]`)}
      >
        Ids
      </Button>
    </div>
  );
}

function Hint() {
  const example = someCondition(space.value?.attributes ?? []);
  if (!example) return null;
  const find = () => change({ list: "where", where: example, sort: "" });
  return (
    <p class="fine">
      Write a condition in the bar above to find others, such as{" "}
      <button type="button" class="link" onClick={find}>
        {example}
      </button>
    </p>
  );
}

function Table({ rows, times }: { rows: readonly number[]; times: Group["times"] }) {
  const names = space.value?.attributes.map(({ name }) => name) ?? [];
  const live = useLive(rows.join(), (signal) => ask("sources", {}, { rows: [...rows] }, signal));
  const { sources = [], captions = [] } = (!live.busy && live.value) || {};
  const { subject } = doc.value;
  const known = names.map((name) => columns.value.get(name));
  const open = (row: number) => select({ kind: "item", id: idOf(row) }, "item");
  return (
    <div class="list" tabIndex={0} role="region" aria-label="Items">
      <table>
        <thead>
          <tr>
            <th colSpan={2}>{title(noun(false))}</th>
            {times && <th title="How many times as far from its 10th nearest as usual">Apart</th>}
            {names.map((name) => (
              <Head key={name} name={name} />
            ))}
            <th>Source</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr
              key={row}
              class={subject?.kind === "item" && subject.id === idOf(row) ? "on" : ""}
              onClick={() => open(row)}
            >
              <td class={read() ? "thumb-cell words" : "thumb-cell"}>
                {read() ? (captions[i] ?? "…") : <Thumb row={row} name={`item ${idOf(row)}`} />}
              </td>
              <td>
                <button type="button" class="link" title="Look at it">
                  @{idOf(row)}
                </button>
              </td>
              {times && <td class="number">{short(times.get(row) ?? NaN, 2)}×</td>}
              {known.map((column, j) => (
                <td key={names[j]} class={column?.kind === "number" ? "number" : ""}>
                  {column ? cell(names[j] ?? "", column, row) : "…"}
                </td>
              ))}
              <td class="source" title={sources[i] ?? ""}>
                {sources[i] ?? ""}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function cell(name: string, column: Parameters<typeof told>[0], row: number): string {
  const text = told(column, row);
  return text === "" ? "–" : column.kind === "number" ? valueOf(name, Number(text)) : text;
}

/** The head of an attribute's column: a click sorts by it, another turns it round, a third lets it be. */
function Head({ name }: { name: string }) {
  const { sort } = doc.value;
  const way = sort === name ? "ascending" : sort === `-${name}` ? "descending" : "none";
  const next = way === "none" ? name : way === "ascending" ? `-${name}` : "";
  return (
    <th aria-sort={way}>
      <button type="button" title={`Sort by ${human(name)}`} onClick={() => change({ sort: next })}>
        {human(name)}
        <span aria-hidden="true">{way === "ascending" ? " ↑" : way === "descending" ? " ↓" : ""}</span>
      </button>
    </th>
  );
}
