/** A handle that is dragged asks for the newest place only. */
import type { Subject } from "../document.ts";
import { newest } from "../live.ts";
import type { Point } from "../scales.ts";
import { complain } from "../state.ts";
import { placeAt } from "./actions.ts";

const run = newest<{ place: Point; then: (subject: Subject) => void }>(async ({ place, then }) => {
  try {
    then(await placeAt(...place));
  } catch (error) {
    complain(error);
  }
});
export const latestPlace = (place: Point, then: (subject: Subject) => void): void => run({ place, then });
