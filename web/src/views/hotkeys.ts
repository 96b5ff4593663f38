/** Keys that work everywhere but where one writes. */
import { VIEWS, walks, type View } from "../document.ts";
import { able, doc, go, help, offers, redo, tool, turn, undo } from "../state.ts";
import { addKey, anyItem, flyHome, morph, pick, slide } from "./actions.ts";
import { hearNext, hearOrNot, turnHovers } from "./Hear.tsx";
import { zoom } from "./MapTools.tsx";
import { musical, playing } from "./player.ts";
import { toggle } from "./theme.ts";

export const KEYS: readonly (readonly [string, string])[] = [
  ["Arrow keys, + and -", "move and zoom the map once it has the focus"],
  ["Enter", "select what is in the middle of the map"],
  ["1 to 9", "open a view"],
  ["/", "write a formula, or a condition that finds items"],
  ["R", "select an item at random"],
  ["G", "morph: a path from what is selected"],
  ["K", "make what is selected a key frame"],
  ["D", "change what is selected with sliders"],
  ["A or B", "draw around a group with the mouse (or Shift and drag)"],
  ["Space", "play and pause a path or a piece; elsewhere, hear what is shown, where it can be heard"],
  ["H", "hear what is shown, then what is beside it"],
  ["S", "hear what the pointer is over, or not"],
  ["O", "open a file of your own"],
  [
    "P and M",
    "the real items, and what the model makes of the places behind them (the microscope), on or off",
  ],
  ["0", "show the whole map"],
  ["T", "dark or light"],
  ["Ctrl Z, Ctrl Shift Z", "undo and redo"],
  ["Esc", "stop drawing, close"],
];

const ACTS: Record<string, () => unknown> = {
  "/": () => document.getElementById("formula")?.focus(),
  "?": () => (help.value = !help.value),
  "0": flyHome,
  "+": () => zoom(1.4),
  "-": () => zoom(1 / 1.4),
  p: () => able("items") && turn({ points: !doc.value.points }),
  m: () => turn({ microscope: !doc.value.microscope }),
  t: toggle,
  r: () =>
    turn({ subject: anyItem(), change: {}, view: doc.value.view === "start" ? "item" : doc.value.view }),
  g: () => morph(),
  k: () => doc.value.subject && addKey(doc.value.subject),
  d: () => slide(),
  a: () => able("items") && (tool.value = "a"),
  b: () => able("items") && (tool.value = "b"),
  h: hearNext,
  s: turnHovers,
  o: () => able("encode") && pick(),
};

export function hotkey(event: KeyboardEvent): void {
  const from = event.target as HTMLElement;
  const writing = from.closest("input:not([type=range]), textarea, select") !== null;
  const held = event.ctrlKey || event.metaKey;
  if (held && !writing && event.key.toLowerCase() === "z") {
    event.preventDefault();
    return event.shiftKey ? redo() : undo();
  }
  if (held && !writing && event.key.toLowerCase() === "y") {
    event.preventDefault();
    return redo();
  }
  if (event.key === "Escape") {
    help.value = false;
    tool.value = "look";
    return;
  }
  if (writing || held || event.altKey) return;
  const view = VIEWS.filter(offers)[Number(event.key) - 1] as View | undefined;
  if (view) go(view);
  else if (event.key === " " && !from.closest("button, a, summary, [role=slider], [role=region]")) {
    if (walks(doc.value.view)) playing.value = !playing.value;
    else if (musical.value) hearOrNot();
    else return;
  } else {
    const act = ACTS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    act();
  }
  event.preventDefault();
}
