/**
 * The page's views of kinds of data by the names that Python has for these. Others join with a file and a
 * line each.
 */
import type { Modality } from "../wire.ts";
import { any } from "./any.ts";
import { audio } from "./audio.ts";
import { image } from "./image.ts";
import { melody } from "./melody.ts";
import { shape } from "./shape.ts";
import { table } from "./table.ts";
import { text } from "./text.ts";
import type { View } from "./view.ts";

const VIEWS: Readonly<Record<string, View>> = { image, table, melody, audio, text, shape };

export const viewOf = (about: Pick<Modality, "name"> | null | undefined): View =>
  VIEWS[about?.name ?? ""] ?? any;
