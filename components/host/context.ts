import type * as pulumi from "@pulumi/pulumi";
import type { Dns01, DnsRecord, Zone } from "../cloud/dns/provider.ts";
import type { Settings } from "../settings/settings.ts";
import type { Host } from "./host.ts";

/** What the steps know: the settings, the machine that they set up, and the records that lead to it. */
export interface HostContext {
    readonly settings: Settings;
    readonly host: Host;
    /** Whose data are on the volume. */
    readonly owner: string;
    /** Undefined if the user makes the records. */
    readonly zone: Zone | undefined;
    readonly records: pulumi.Input<DnsRecord[]>;
    /** How certbot answers DNS-01 challenges; undefined if it answers HTTP-01. */
    readonly dns01: Dns01 | undefined;
}
