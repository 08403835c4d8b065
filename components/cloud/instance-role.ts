import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { trustPolicy } from "./trust.ts";

export interface InstanceRoleArgs {
    /** What programs on the machine may do, as a policy document. Default: nothing. */
    policy?: string;
    /** For everything that can be tagged, besides Name. Default: none. */
    tags?: Readonly<Record<string, string>>;
}

/**
 * The instance role of the machine, so that no key has to be kept there. It always exists, and only its policy changes: the
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
        const { policy } = args;
        if (policy !== undefined) {
            this.resources.push(
                new aws.iam.RolePolicy(`${name}-policy`, { role: role.name, policy }, { parent: this }),
            );
        }
        this.registerOutputs({ instanceProfile: this.instanceProfile });
    }
}
