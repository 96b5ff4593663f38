/** Files of one item and of a group of them, made in the page. */
import { told } from "../listing.ts";
import { viewOf } from "../modalities/index.ts";
import { one, type Items } from "../modalities/view.ts";
import { title } from "../names.ts";
import { columnOf, idOf, space } from "../state.ts";
import type { Space } from "../wire.ts";
import { zip } from "../zip.ts";
import { save } from "./components.tsx";

/** How files of the open space begin: `fashion-space`. */
export const fileStem = (): string =>
  title(space.value?.name ?? "space")
    .toLowerCase()
    .replace(/ /g, "-");

/** One decoded item in a file of its kind, or a zip where it takes several. */
export async function saveItem(items: Items, name: string): Promise<void> {
  const about = (space.value as Space).modality;
  const { files } = await viewOf(about).files([one(items, 0)], about);
  const [only] = files;
  const stem = `${fileStem()}-${name.replace(/[^\p{L}\p{N}.+-]+/gu, "-").slice(0, 60)}`;
  if (files.size > 1 || !only) return save(zip(files), `${stem}.zip`);
  save(new Blob([only[1]]), `${stem}${/\.\w+$/.exec(only[0])?.[0] ?? ""}`);
}

const cell = (value: string): string => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

/** The ids of some rows of the map and all that is known of them, as CSV. */
export async function saveRows(rows: readonly number[], name: string): Promise<void> {
  const names = space.value?.attributes.map((one) => one.name) ?? [];
  const columns = await Promise.all(names.map(columnOf));
  const lines = rows.map((row) => [String(idOf(row)), ...columns.map((column) => told(column, row))]);
  const text = [["id", ...names], ...lines].map((line) => `${line.map(cell).join(",")}\n`).join("");
  save(new Blob([text], { type: "text/csv" }), `${fileStem()}-${name}.csv`);
}
