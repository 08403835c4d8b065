import type * as pulumi from "@pulumi/pulumi";
import type { Dns01, DnsRecord, Zone } from "../cloud/dns/provider.ts";
import type { Settings } from "../settings/settings.ts";
import type { Host } from "./host.ts";

/** A load balancer in front of the machine, which is one of several then. It ends the clients' TLS, and sends a PROXY header. */
export interface Balancer {
    /** The networks that it connects from. */
    readonly cidrs: readonly string[];
    /**
     * Seconds after which it sends nothing more to a machine whose health URL fails, and as many after which it sends again
     * when that is well.
     */
    readonly drainSeconds: number;
}

/** What the steps are made of: the settings, the machine, and its DNS records. */
export interface HostContext {
    readonly settings: Settings;
    readonly host: Host;
    /** Owner of the data on the volume, "project/stack/name". */
    readonly owner: string;
    /** Undefined if the user creates the records. */
    readonly zone: Zone | undefined;
    readonly records: pulumi.Input<DnsRecord[]>;
    /** How certbot answers DNS-01 challenges; undefined if it answers HTTP-01. */
    readonly dns01: Dns01 | undefined;
    /** Undefined if clients connect to the machine itself. */
    readonly balancer?: Balancer;
    /** The machine's AWS region; undefined without alarms and sessionManager. */
    readonly region?: string;
}
