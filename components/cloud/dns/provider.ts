import type * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../../settings/settings.ts";

/** The zone that holds the records. */
export interface Zone {
    readonly id: string;
    /** For example "example.com". */
    readonly name: string;
    /** The authoritative name servers that the provider has assigned. */
    readonly nameServers: readonly string[];
}

export type RecordType = "A" | "AAAA" | "CAA" | "CNAME";

/** A DNS record, in the fields that DNS consoles ask for. */
export interface DnsRecord {
    name: string;
    /** A, AAAA, CAA or CNAME. */
    type: string;
    /** Seconds. */
    ttl: number;
    value: string;
}

/** All records of one name and type. */
export interface RecordSet {
    readonly name: pulumi.Input<string>;
    readonly type: RecordType;
    /** Seconds. */
    readonly ttl: number;
    readonly values: pulumi.Input<string>[];
}

/** How certbot on the machine answers DNS-01 challenges at a provider, without a stored key. */
export interface Dns01 {
    /** certbot's authenticator, for example "dns-route53". */
    readonly authenticator: string;
    /** The Debian package that holds it. */
    readonly package: string;
    /** The IAM policy that lets the machine answer challenges for these names, wildcards included. Default: none. Pure. */
    readonly policy?: (zone: Zone, names: readonly string[]) => string;
}

/** Where the records of the public names are kept. Each value of the setting `dns` has a provider. */
export interface DnsProvider {
    /** The zone of all records; undefined if the user creates the records. @throws RunError */
    findZone(settings: Settings, opts: pulumi.InvokeOptions): Promise<Zone | undefined>;
    /**
     * Creates one record set in the zone.
     * @param name of the resource
     * @param allowOverwrite overwrite an existing record set; otherwise it is an error
     */
    createRecordSet(
        name: string,
        args: { zone: Zone; set: RecordSet; allowOverwrite: boolean },
        opts: pulumi.CustomResourceOptions,
    ): pulumi.Resource;
    /** Undefined if certbot cannot answer DNS-01 challenges there. */
    readonly dns01?: Dns01;
}
