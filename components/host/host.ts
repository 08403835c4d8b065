import type * as pulumi from "@pulumi/pulumi";

/** A machine for the steps to set up, from any cloud. */
export interface Host {
    /** The address that the steps connect to. With one machine, the DNS records have it as well. */
    readonly ipv4: pulumi.Input<string>;
    /** Undefined if the machine has no IPv6. */
    readonly ipv6: pulumi.Input<string> | undefined;
    /** Login name with passwordless sudo, for example "admin" on Debian's images. */
    readonly user: string;
    /**
     * Path of the data volume's device. Undefined if the machine has none: what LinkMesh writes then goes with the machine, and
     * no certificate is ordered on it.
     */
    readonly device: pulumi.Input<string> | undefined;
    /** If it is replaced, all steps run again. If it is deleted, its steps are deleted without a connection. */
    readonly machine: pulumi.CustomResource;
    /** What must exist before the machine is reachable and has its volume. */
    readonly ready: readonly pulumi.Resource[];
}
