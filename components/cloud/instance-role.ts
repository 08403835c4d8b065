import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { trustPolicy } from "./trust.ts";

export interface InstanceRoleArgs {
    /** What programs on the machine may do: policy documents by the last part of the resource's name. Default: nothing. */
    policies?: Readonly<Record<string, string | undefined>>;
    /** For everything that can be tagged, besides Name. Default: none. */
    tags?: Readonly<Record<string, string>>;
}

/**
 * The instance role of the machine, so that no key has to be kept there. It always exists, and only its policies change: the
 * provider ignores it when an instance profile is removed from an instance, so the machine would keep a deleted profile.
 */
export class InstanceRole extends pulumi.ComponentResource {
    /** Name of the instance profile. */
    readonly instanceProfile: pulumi.Output<string>;
    /** What must exist before programs on the machine have the rights. */
    readonly resources: pulumi.Resource[];

    constructor(name: string, args: InstanceRoleArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:InstanceRole", name, {}, opts);
        const tags = { ...args.tags, Name: name };
        const role = new aws.iam.Role(
            `${name}-role`,
            {
                description: "Lets the LinkMesh proxy answer DNS challenges for its certificate",
                assumeRolePolicy: trustPolicy("ec2.amazonaws.com"),
                tags,
            },
            { parent: this },
        );
        const profile = new aws.iam.InstanceProfile(`${name}-profile`, { role: role.name, tags }, { parent: this });
        this.instanceProfile = profile.name;
        this.resources = [profile];
        for (const [part, policy] of Object.entries(args.policies ?? {})) {
            if (policy === undefined) continue;
            this.resources.push(
                new aws.iam.RolePolicy(`${name}-${part}`, { role: role.name, policy }, { parent: this }),
            );
        }
        this.registerOutputs({ instanceProfile: this.instanceProfile });
    }
}
