import * as pulumi from "@pulumi/pulumi";
import { OPERATING_SYSTEM_FACTS, type OperatingSystem } from "../../operating-systems.ts";
import type { Settings } from "../../settings/settings.ts";

/**
 * Refuses sessionManager without the SSM agent, and its package beside Ubuntu's snap, which the package refuses itself. An
 * image of the user's own may have the agent in any way; the step session-manager looks. @throws RunError
 */
export function refuseAgent(settings: Settings, operatingSystem: OperatingSystem): void {
    const { sessionManager, ssmAgentDebUrl, imageId } = settings;
    if (!sessionManager || imageId !== "") return;
    const { name } = OPERATING_SYSTEM_FACTS[operatingSystem];
    const hasSnap = operatingSystem === "ubuntu-24.04";
    if (!hasSnap && ssmAgentDebUrl === "") {
        throw new pulumi.RunError(
            `sessionManager needs the SSM agent, which the images of ${name} lack. Set ssmAgentDebUrl and ssmAgentDebSha256 to AWS's package (docs/modes.md), or operatingSystem to ubuntu-24.04.`,
        );
    }
    if (hasSnap && ssmAgentDebUrl !== "") {
        throw new pulumi.RunError(
            `ssmAgentDebUrl: the images of ${name} have the SSM agent as a snap, beside which the package cannot be installed. Remove ssmAgentDebUrl and ssmAgentDebSha256.`,
        );
    }
}
