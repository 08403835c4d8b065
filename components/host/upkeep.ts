import type { HostContext } from "./context.ts";
import type { StepOptions } from "./ssh-host.ts";

/** Lets the machine run for months unattended, and removes what steps have installed that are off by now. */
export function upkeep({ settings }: HostContext): StepOptions {
    const { alarms, sessionManager, ssmAgentDebUrl } = settings;
    const agent = ssmAgentDebUrl === "" ? "image" : "package";
    return { variables: { METRICS: alarms.length === 0 ? "" : "yes", AGENT: sessionManager ? agent : "" } };
}
