import type { Settings } from "../settings.ts";
import { violations } from "./violations.ts";

/** AWS allows 50 tags. The program adds five to the data volume, and its scheduler adds dlm:managed to the snapshots. */
const MOST_ON_SNAPSHOTS = 44;

/** Route 53 allows 10 tags on a health check, and the program adds Name and the stack's tag. */
const MOST_ON_HEALTH_CHECKS = 8;

/** The snapshot schedule has the tags, too, and its API allows fewer characters in keys than IAM (TagKey in its reference). */
export function tagRules(s: Settings): string[] {
    const keys = Object.keys(s.tags);
    const refused = keys.find((key) => !/^[a-zA-Z0-9_.:/=+-]+$/.test(key));
    return violations([
        [
            s.alarms.length === 0 || keys.length <= MOST_ON_HEALTH_CHECKS,
            `tags holds ${keys.length} tags, but alarms allows ${MOST_ON_HEALTH_CHECKS}, because a health check of Route 53 has room for no more. Remove some, or remove alarms.`,
        ],
        [
            s.dailySnapshots === 0 || keys.length <= MOST_ON_SNAPSHOTS,
            `tags holds ${keys.length} tags, but dailySnapshots allows ${MOST_ON_SNAPSHOTS}, because its scheduler adds one. Remove a tag, or set dailySnapshots to 0.`,
        ],
        [
            s.dailySnapshots === 0 || refused === undefined,
            `tags holds the key "${refused}", but the scheduler of dailySnapshots accepts only A-Z, a-z, 0-9 and _.:/=+- in keys. Rename the key, or set dailySnapshots to 0.`,
        ],
    ]);
}
