import type * as pulumi from "@pulumi/pulumi";

/** A machine for the steps to set up. They know nothing of the cloud that it comes from. */
export interface Host {
    /** Where the steps log in, and where the public names lead. */
    readonly ipv4: pulumi.Input<string>;
    /** Undefined if the machine has no IPv6. */
    readonly ipv6: pulumi.Input<string> | undefined;
    /** Login name with passwordless sudo, for example "admin" on Debian's images. */
    readonly user: string;
    /** Path of the data volume's device. */
    readonly device: pulumi.Input<string>;
    /** A new one runs all steps again. When it goes, its steps go without a connection. */
    readonly machine: pulumi.CustomResource;
    /** What must be in place before the machine can be reached and has its volume. */
    readonly ready: readonly pulumi.Resource[];
}
