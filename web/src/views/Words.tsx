/** Items that are read, as text that can be selected, copied, read out; beside another one, what differs. */
import { sizes, type Items, type Run, type View } from "../modalities/view.ts";

interface Props {
  items: Items;
  index: number;
  name: string;
  class: string;
  than: Items | null;
  words: NonNullable<View["words"]>;
}
export function Words({ items, index, name, class: extra, than, words }: Props) {
  return (
    <span class={`picture told ${extra}`}>
      {name && <span class="sr">{name}: </span>}
      <span dir="auto">{words(items, index, than).map(marked)}</span>
      <span class="room">{longest(items, words)}</span>
    </span>
  );
}

/** A run with its mark; the space before it has none. */
function marked({ text, what }: Run, key: number) {
  const own = text.trimStart();
  const blank = text.slice(0, text.length - own.length);
  if (what === "same") return text;
  return (
    <span key={key} class={what}>
      {blank}
      {what === "new" ? <ins>{own}</ins> : <del>{own}</del>}
    </span>
  );
}

const LEAST = 3; // items of an answer that are many
const known = new WeakMap<Items, string>();
/** The longest of an answer's texts, so that what stands in their place one after the other stands still. */
function longest(items: Items, words: Props["words"]): string {
  let found = known.get(items);
  if (found === undefined) {
    found = "";
    const { n } = sizes(items);
    for (let i = 0; n >= LEAST && i < n; i++) {
      const text = words(items, i, null)
        .map((run) => run.text)
        .join("");
      if (text.length > found.length) found = text;
    }
    known.set(items, found);
  }
  return found;
}
