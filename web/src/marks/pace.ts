/**
 * How much is drawn while the map moves, from how long its frames take. A machine with a graphics card draws
 * all but many points as it does at rest; one without draws what costs pixels more plainly, and fewer points,
 * until the map rests.
 */
// milliseconds of a frame: below, more points are drawn in the next one, above fewer
const [FAST, SLOW] = [20, 30];
const [FEWEST, MOST] = [3_000, 250_000]; // points
const STUCK = 100; // milliseconds of a frame that adds points at rest: graphics with a card take some
const AWAY = 1000; // milliseconds after which the page was hidden meanwhile
const PLAINLY = 400; // frames, after which it is tried again how long the others take

export class Pace {
  /** Points that a frame may draw while the map moves. */
  points = 60_000;
  private mean = 0;
  private left = 0;
  private stuck = false;

  /** Whether a moving map is drawn plainly. */
  get plain(): boolean {
    return this.left > 0;
  }

  /** Whether the processor adds points up sooner than the graphics. */
  get slow(): boolean {
    return this.stuck || this.plain;
  }

  /** Notes what a frame took in milliseconds in which points were added to a map at rest. */
  added(took: number): void {
    this.stuck ||= took > STUCK && took < AWAY;
  }

  /** Notes what a frame took in milliseconds while the map moved. */
  note(took: number): void {
    if (took > SLOW) this.points = Math.max(0.75 * this.points, FEWEST);
    else if (took < FAST) this.points = Math.min(1.1 * this.points, MOST);
    if (this.plain) {
      this.left--;
      return;
    }
    this.mean += (Math.min(took, 200) - this.mean) / 4; // one frame alone may have waited for something else
    if (this.mean > SLOW + 10) [this.left, this.mean] = [PLAINLY, 0];
  }
}
