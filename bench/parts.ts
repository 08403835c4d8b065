import type { Part } from "./part.ts";
import { changes } from "./parts/changes.ts";
import { cold } from "./parts/cold.ts";
import { downtime } from "./parts/downtime.ts";
import { preview } from "./parts/preview.ts";
import { requests } from "./parts/requests.ts";
import { sessions } from "./parts/sessions.ts";
import { storm } from "./parts/storm.ts";
import { tier } from "./parts/tier.ts";

/** In the order in which they are measured. */
export const PARTS: readonly Part[] = [sessions, storm, requests, changes, tier, preview, downtime, cold];
