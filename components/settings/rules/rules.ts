import type { Settings } from "../settings.ts";
import { accessRules } from "./access.ts";
import { certificateRules } from "./certificate.ts";
import { configRules, dataPathRules, packageRules } from "./linkmesh.ts";
import { nameRules } from "./names.ts";
import { tagRules } from "./tags.ts";

/** Settings that are right by themselves but not together, one sentence each; empty when all is well. */
export function brokenRules(settings: Settings): string[] {
    return [nameRules, accessRules, certificateRules, packageRules, configRules, dataPathRules, tagRules].flatMap(
        (rules) => rules(settings),
    );
}
