import * as pulumi from "@pulumi/pulumi";

export interface ProtectionArgs {
    /** Whether a destroy is refused. Only `pulumi up` changes it. */
    enabled: boolean;
    /** Everything that a destroy would delete. */
    resources: pulumi.Resource[];
}

/**
 * The first resource that a destroy deletes, so a protected one stops the destroy. Protecting only the volume and the
 * addresses is not enough: the engine would delete the machine and the records before it reaches them. The resource also
 * exists without protection, because the engine refuses to delete a protected one in the update that lifts the protection.
 */
export class Protection extends pulumi.ComponentResource {
    constructor(name: string, { enabled, resources }: ProtectionArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:Protection", name, {}, { ...opts, protect: enabled, dependsOn: resources });
        this.registerOutputs({});
    }
}
