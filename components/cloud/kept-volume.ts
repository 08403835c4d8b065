import { AsyncResource } from "node:async_hooks";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { isMocked } from "../mocks.ts";
import { machineName } from "./machine.ts";

export interface KeptVolumeArgs {
    /** The volumes with the stack's tag, of which one is the stack's own. At least one. */
    found: readonly string[];
    availabilityZone: string;
    /** Refuse to delete the volume. */
    protect: boolean;
}

/**
 * The data volume of one machine, which stays when several nodes take the machine's place: it has LinkMesh's CA and secret, and
 * one machine goes on with them. Only one machine changes it.
 */
export class KeptVolume extends pulumi.ComponentResource {
    /** @param linkmesh name of the LinkMeshProxy */
    constructor(linkmesh: string, args: KeptVolumeArgs, opts?: pulumi.ComponentResourceOptions) {
        const name = machineName(linkmesh);
        // The type of the machine's component, so that the engine takes both volumes for the same.
        super("linkmesh-proxy:index:Machine", name, {}, opts);
        const { availabilityZone, protect } = args;
        new aws.ebs.Volume(
            `${name}-data`,
            // The volume that exists keeps its own values. These are only for the check before the creation is refused.
            { availabilityZone, size: 1, encrypted: true },
            {
                parent: this,
                protect,
                ignoreChanges: [
                    ...["availabilityZone", "size", "type", "encrypted", "snapshotId", "finalSnapshot", "tags"],
                ],
                customTimeouts: { delete: "60m" },
                hooks: { beforeCreate: refuseCreation(`${name}-data`, args.found) },
            },
        );
        if (pulumi.runtime.isDryRun()) {
            void pulumi.log.info(
                `nodes: the data volume ${args.found.join(" or ")} of the one machine stays in the stack, for a way back. It costs about $0.08 a GiB a month. When you do not need it any more: pulumi destroy --target '**${name}-data'`,
                this,
            );
        }
        this.registerOutputs({});
    }
}

/** The lookup also finds what is not in the stack's state: then there would be a new, empty volume. */
export function refuseCreation(name: string, found: readonly string[]): pulumi.ResourceHook[] {
    if (isMocked()) return [];
    const refuse = () =>
        Promise.reject(
            new Error(
                `the tag of this stack's data volume is on ${found.join(" and ")}, but the stack has no data volume. If an interrupted update has left it behind, delete it. If it belongs to another stack of the same project and name, give one of the two stacks another name.`,
            ),
        );
    // Bound to this run of the program, as in host/step-hooks.ts.
    return [new pulumi.ResourceHook(`${name}-creation`, AsyncResource.bind(refuse), { onDryRun: true })];
}
