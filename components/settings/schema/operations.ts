import { z } from "zod";
import { alarmReceiver } from "./types.ts";
import { setting } from "./setting.ts";

/** What watches the running stack. */
export const OPERATION_SETTINGS = {
    alarms: setting({
        type: "array",
        description:
            "Who is told when something breaks: e-mail addresses, or ARNs of SNS topics. Watched are the machine (with automatic recovery), https and gRPC from outside, LinkMesh, the certificate with its renewal, and the disks. AWS sends each address a link to confirm, and nothing before that. About $7 a month, or $2 while the account has free alarms, metrics and health checks left. If left out, nothing is watched.",
        default: [],
        example: "platform@example.com",
        change: ["AWS resources change"],
        schema: z.array(alarmReceiver),
    }),
} as const;
