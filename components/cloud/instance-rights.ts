import { NAMESPACE } from "../metrics.ts";
import type { Settings } from "../settings/settings.ts";

/** The right to write metrics of the program's namespace; undefined without alarms. */
export function metricsPolicy({ alarms }: Settings): string | undefined {
    if (alarms.length === 0) return undefined;
    return JSON.stringify({
        Version: "2012-10-17",
        Statement: [
            {
                Effect: "Allow",
                Action: "cloudwatch:PutMetricData",
                // The action knows no resources.
                Resource: "*",
                Condition: { StringEquals: { "cloudwatch:namespace": NAMESPACE } },
            },
        ],
    });
}

/** What the SSM agent needs for sessions; undefined without sessionManager. Newer agents take commands over the same channels. */
export function sessionPolicy({ sessionManager }: Settings): string | undefined {
    if (!sessionManager) return undefined;
    const channels = ["CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"];
    return JSON.stringify({
        Version: "2012-10-17",
        Statement: [
            {
                Effect: "Allow",
                Action: ["ssm:UpdateInstanceInformation", ...channels.map((name) => `ssmmessages:${name}`)],
                Resource: "*",
            },
        ],
    });
}
