import type * as pulumi from "@pulumi/pulumi";
import type { Lookups } from "../cloud/lookups/lookups.ts";
import type { PublishedRecord } from "../cloud/dns.ts";
import type { Settings } from "../settings/settings.ts";

/** What the steps know: the settings, and the machine that they set up. */
export interface HostContext {
    readonly settings: Settings;
    /** Path of the data volume's device on the machine. */
    readonly device: pulumi.Input<string>;
    /** Whose data are on the volume. */
    readonly owner: string;
    /** The zone of the records; undefined when they are made elsewhere. */
    readonly zone: Lookups["zone"];
    /** The records that lead to the machine. */
    readonly records: pulumi.Input<PublishedRecord[]>;
    readonly ipv4: pulumi.Input<string>;
    /** Undefined in a subnet without IPv6. */
    readonly ipv6: pulumi.Input<string> | undefined;
}
