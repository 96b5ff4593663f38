/** Dark or light: as the system says, until a person says otherwise. */
import { computed, effect, signal } from "@preact/signals";

const system = window.matchMedia("(prefers-color-scheme: dark)");
const wish = signal<"dark" | "light" | null>(null);
const night = signal(system.matches);
system.addEventListener("change", (event) => (night.value = event.matches));
try {
  const kept = localStorage.getItem("liminal-theme");
  if (kept === "dark" || kept === "light") wish.value = kept;
} catch {
  // a page from a file may not be allowed to remember
}

export const dark = computed(() => (wish.value ? wish.value === "dark" : night.value));
effect(() => {
  document.documentElement.dataset["theme"] = dark.value ? "dark" : "light";
});
export function toggle(): void {
  wish.value = dark.value ? "light" : "dark";
  try {
    localStorage.setItem("liminal-theme", wish.value);
  } catch {
    // as above
  }
}
/** The page that holds this one is dark or light; a person's own wish still comes first. */
export const follow = (dusk: boolean): void => void (night.value = dusk);
export const calm = (): boolean => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
