/** Line icons on a grid of 24, drawn for the studio. */
const PATHS = {
  start: "M4 11.5 12 5l8 6.5M6.5 10v9h11v-9",
  item: "M5 5h14v14H5zM5 15l4-4 4 4 2-2 4 4M15.5 8.7v.1",
  path: "M5 18a2 2 0 1 0 0-.1M19 6a2 2 0 1 0 0-.1M7 17.5c6-.5 1-10.500 10-11.200",
  directions: "M4 7h9M17 7h3M4 12h3M11 12h9M4 17h11M19 17h1M15 5v4M9 10v4M17 15v4",
  dimensions: "M5 19V9M10 19V5M15 19v-7M20 19v-4",
  sample: "M5 5h14v14H5zM9 9v.1M15 15v.1M12 12v.1M15 9v.1M9 15v.1",
  style: "M4 8.500h9v9H4zM11 5.500h9v9h-5",
  complete: "M12 5h7v14h-7M12 5v14M10 5H8.500M6.500 5H5v1.500M5 9v2M5 13.500v2M5 17.500V19h1.500M8.500 19H10",
  compose: "M4 9h4v6H4zM10 5h4v10h-4zM16 9h4v6h-4zM4 19h16",
  list: "M5 6h3v3H5zM11 7.500h8M5 11h3v3H5zM11 12.500h8M5 16h3v3H5zM11 17.500h8",
  report: "M6 4h9l4 4v12H6zM9 12h6M9 16h6",
  tour: "M12 4a8 8 0 1 0 .1 0M15 9l-2 4-4 2 2-4z",
  undo: "M9 6 4.500 10.500 9 15M5 10.500h9a5 5 0 0 1 0 9h-3",
  redo: "m15 6 4.500 4.500L15 15M19 10.500h-9a5 5 0 0 0 0 9h3",
  help: "M9 9.500a3 3 0 1 1 4.500 2.600c-1 .6-1.500 1.200-1.500 2.400M12 18v.1",
  sun:
    "M12 8a4 4 0 1 0 .1 0M12 3v1.500M12 19.500V21M3 12h1.500M19.500 12H21M5.600 5.600l1 1M17.400 " +
    "17.400l1 1M18.400 5.600l-1 1M6.600 17.400l-1 1",
  moon: "M19.500 14A8 8 0 0 1 10 4.500a8 8 0 1 0 9.500 9.500z",
  play: "M8 5.500v13l10.500-6.500z",
  pause: "M8 5.500v13M16 5.500v13",
  stop: "M7 7h10v10H7z",
  again:
    "m16.500 4 3.500 3.500-3.500 3.500M4 12v-1a3.500 3.500 0 0 1 3.500-3.500H20M7.500 20 4 16.500 " +
    "7.500 13M20 12v1a3.500 3.500 0 0 1-3.500 3.500H4",
  sound: "M5 9.500v5h3l4.500 4V5.500L8 9.500zM16 9a4.500 4.500 0 0 1 0 6M18.500 6.500a8 8 0 0 1 0 11",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  fit: "M5 9V5h4M15 5h4v4M19 15v4h-4M9 19H5v-4",
  close: "M6 6l12 12M18 6 6 18",
  check: "M5 12.500 10 17.500 19 7",
  copy: "M9 9h10v10H9zM5 15V5h10",
  save: "M12 4v11M7.500 11 12 15.500 16.500 11M5 19.500h14",
  lock: "M7 11h10v8H7zM9 11V8a3 3 0 0 1 6 0v3",
  open: "M7 11h10v8H7zM9 11V8a3 3 0 0 1 5.800-1",
  lasso: "M12 5c5 0 8 2 8 5s-3 5-8 5-8-2-8-5 3-5 8-5M8 14.500c-1 1 0 2.500 1 2.500s1.500 1.500.5 3",
  dice: "M5 5h14v14H5zM9 9v.1M15 15v.1M15 9v.1M9 15v.1",
  swap: "M7 5 3.500 8.500 7 12M4 8.500h13M17 12l3.500 3.500L17 19M20 15.500H7",
  reset: "M5.500 8.500A7.500 7.500 0 1 1 4.500 13M5 4v5h5",
  upload: "M12 16V5M7.500 9 12 4.500 16.500 9M5 19.500h14",
  points: "M7 7v.1M16 6v.1M11 12v.1M18 14v.1M6 16v.1M14 18v.1",
  lattice: "M5 5h6v6H5zM13 5h6v6h-6zM5 13h6v6H5zM13 13h6v6h-6z",
  left: "m14 6-6 6 6 6",
  right: "m10 6 6 6-6 6",
  palette:
    "M12 4a8 8 0 1 0 0 16c1.500 0 1.500-1.500 1-2.500s.5-2 2-2h2c2 0 3-1.500 3-3.500 " +
    "0-4.500-3.500-8-8-8M8 12v.1M10 8.500v.1M14.500 8.500v.1",
} as const;
export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
