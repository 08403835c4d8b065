import type { HostContext } from "./context.ts";
import type { StepOptions } from "./ssh-host.ts";

/** Lets the machine run for months unattended, and removes what steps have installed that are off by now. */
export function upkeep({ settings, region }: HostContext): StepOptions {
    const { sessionManager, ssmAgentDebUrl } = settings;
    const agent = ssmAgentDebUrl === "" ? "image" : "package";
    return { variables: { METRICS: region === undefined ? "" : "yes", AGENT: sessionManager ? agent : "" } };
}
