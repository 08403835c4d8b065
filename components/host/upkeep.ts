import type { HostContext } from "./context.ts";
import type { StepOptions } from "./ssh-host.ts";

/** Lets the machine run for months unattended, and removes what steps have installed that are off by now. */
export function upkeep({ settings, region }: HostContext): StepOptions {
    const yes = (on: boolean) => (on ? "yes" : "");
    return { variables: { METRICS: yes(region !== undefined), AGENT: yes(settings.ssmAgentDebUrl !== "") } };
}
