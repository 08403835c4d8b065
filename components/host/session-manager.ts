import type { HostContext } from "./context.ts";
import type { StepOptions } from "./ssh-host.ts";

/** The SSM agent, which lets people in by Session Manager. Only with sessionManager. */
export function sessionManager({ settings }: HostContext): StepOptions | undefined {
    if (!settings.sessionManager) return undefined;
    return {
        variables: { URL: settings.ssmAgentDebUrl, SHA256: settings.ssmAgentDebSha256 },
        timeout: 1200,
    };
}
