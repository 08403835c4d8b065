import type { Part } from "./part.ts";
import { changes } from "./parts/changes.ts";
import { cold } from "./parts/cold.ts";
import { downtime } from "./parts/downtime.ts";
import { preview } from "./parts/preview.ts";
import { requests } from "./parts/requests.ts";
import { sessions } from "./parts/sessions.ts";
import { storm } from "./parts/storm.ts";

/** In the order in which they are measured. */
export const PARTS: readonly Part[] = [sessions, storm, requests, changes, preview, downtime, cold];
