import type { Settings } from "../settings.ts";
import { accessRules } from "./access.ts";
import { alarmRules } from "./alarms.ts";
import { certificateRules } from "./certificate.ts";
import { configRules, dataPathRules, fileRules, packageRules } from "./linkmesh.ts";
import { nameRules } from "./names.ts";
import { tagRules } from "./tags.ts";
import { tierRules } from "./tier.ts";

/** A sentence for each rule between settings that does not hold. */
export function brokenRules(settings: Settings): string[] {
    return [
        ...[nameRules, accessRules, certificateRules, packageRules, configRules, dataPathRules],
        ...[fileRules, alarmRules, tagRules, tierRules],
    ].flatMap((rules) => rules(settings));
}
