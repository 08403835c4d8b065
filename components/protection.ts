import * as pulumi from "@pulumi/pulumi";

export interface ProtectionArgs {
    /** Whether a destroy is refused. Changed by `pulumi up` alone. */
    enabled: boolean;
    /** Everything that a destroy would take. */
    resources: pulumi.Resource[];
}

/**
 * Stands before everything else in a destroy. To protect the volume and the addresses is not enough: the machine and
 * the names would be gone before the engine comes to them. It is there without protection as well, since the engine
 * would refuse to remove it in the very update that lifts the protection.
 */
export class Protection extends pulumi.ComponentResource {
    constructor(name: string, { enabled, resources }: ProtectionArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:Protection", name, {}, { ...opts, protect: enabled, dependsOn: resources });
        this.registerOutputs({});
    }
}
