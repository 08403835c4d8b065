import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { DATA_TAG } from "./stack-tag.ts";
import { trustPolicy } from "./trust.ts";

/**
 * The tag with the domain of the data. Project, stack and name can be the same in another Pulumi organization or backend,
 * which a program cannot see; the domain is different there.
 */
export const DOMAIN_TAG = "linkmesh-proxy-domain";

/** Value of {@link DATA_TAG} for a LinkMeshProxy of the current stack: "project/stack/name". */
export function dataTagValue(name: string): string {
    return `${pulumi.getProject()}/${pulumi.getStack()}/${name}`;
}

export interface SnapshotScheduleArgs {
    /** Value of {@link DATA_TAG} of the volume. */
    dataTag: string;
    /** How many snapshots are kept, from 1. About $0.05 a month for each GiB of changed data. */
    keep: number;
    /** For everything that can be tagged, besides Name. Default: none. */
    tags?: Readonly<Record<string, string>>;
}

/**
 * Daily snapshots of the data volume by Data Lifecycle Manager, the scheduler of AWS, which does not depend on the machine.
 * The snapshots outlive the schedule.
 */
export class SnapshotSchedule extends pulumi.ComponentResource {
    constructor(name: string, args: SnapshotScheduleArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:SnapshotSchedule", name, {}, opts);
        const tags = { ...args.tags, Name: name };
        const role = new aws.iam.Role(
            `${name}-role`,
            {
                description: "Takes and deletes snapshots of the LinkMesh proxy's data volume",
                assumeRolePolicy: trustPolicy("dlm.amazonaws.com"),
                tags,
            },
            { parent: this },
        );
        const rights = new aws.iam.RolePolicyAttachment(
            `${name}-rights`,
            { role: role.name, policyArn: "arn:aws:iam::aws:policy/service-role/AWSDataLifecycleManagerServiceRole" },
            { parent: this },
        );
        new aws.dlm.LifecyclePolicy(
            `${name}-policy`,
            {
                description: "LinkMesh proxy data volume",
                executionRoleArn: role.arn,
                state: "ENABLED",
                policyDetails: {
                    resourceTypes: ["VOLUME"],
                    // Two policies for one volume would take its snapshots twice, so the tag's value is the stack's own.
                    targetTags: { [DATA_TAG]: args.dataTag },
                    schedules: [
                        {
                            name: "daily",
                            createRule: { interval: 24, intervalUnit: "HOURS", times: "03:00" },
                            retainRule: { count: args.keep },
                            copyTags: true,
                        },
                    ],
                },
                tags,
            },
            { parent: this, dependsOn: [rights] },
        );
        this.registerOutputs({});
    }
}
