import { isTopic, regionOfTopic } from "../schema/types.ts";
import type { Settings } from "../settings.ts";
import { violations } from "./violations.ts";

/** CloudWatch allows five actions for an alarm. One is the recovery of the machine, and one the topic of the e-mail addresses. */
const MOST_TOPICS = 3;

export function alarmRules(s: Settings): string[] {
    const regions = s.alarms.filter(isTopic).map(regionOfTopic);
    const crowded = regions.find((region) => regions.filter((one) => one === region).length > MOST_TOPICS);
    return violations([
        [new Set(s.alarms).size === s.alarms.length, "alarms holds a receiver twice. Remove one."],
        [
            crowded === undefined,
            `alarms holds more than ${MOST_TOPICS} topics of ${crowded}, and an alarm has room for ${MOST_TOPICS}. Subscribe the receivers to one topic.`,
        ],
    ]);
}
