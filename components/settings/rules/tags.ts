import type { Settings } from "../settings.ts";
import { violations } from "./violations.ts";

/** Of the 50 tags that AWS takes a data volume has five more, and its snapshots by the scheduler dlm:managed, too. */
const MOST_ON_SNAPSHOTS = 44;

/** The scheduler is tagged as well, and takes fewer characters than IAM: TagKey of its API. */
export function tagRules(s: Settings): string[] {
    const keys = Object.keys(s.tags);
    const refused = keys.find((key) => !/^[a-zA-Z0-9_.:/=+-]+$/.test(key));
    return violations([
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
