import * as pulumi from "@pulumi/pulumi";
import { firstOutside } from "../../hostnames.ts";
import type { DnsProvider, DnsRecord, RecordSet, Zone } from "./provider.ts";

/** Seconds. Short, so that a machine with another address is found soon. */
const TTL = 60;

export interface DnsArgs {
    provider: DnsProvider;
    /** Where the records are made. Undefined if the user makes them. */
    zone: Zone | undefined;
    /** The names to publish, inside the zone. */
    names: readonly string[];
    ipv4: pulumi.Input<string>;
    /** Default: none, so no AAAA records. */
    ipv6?: pulumi.Input<string>;
    /** Names with CAA records, and who alone may issue certificates for them. Default: none. */
    caa?: {
        names: readonly string[];
        /** For example "letsencrypt.org". */
        issuer: string;
        /** The one ACME account that may. Default: any. */
        accountUri?: string;
    };
    /** Take over records that exist already. Default: false, an existing record is an error. */
    allowOverwrite?: boolean;
}

/** The records of the public names: made at a provider, or named for the user to make them. */
export class Dns extends pulumi.ComponentResource {
    readonly records: pulumi.Output<DnsRecord[]>;
    readonly resources: pulumi.Resource[] = [];

    /** @throws RunError when a name lies outside the zone. */
    constructor(name: string, args: DnsArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:Dns", name, {}, opts);
        const { provider, zone, allowOverwrite = false } = args;
        const sets = recordSets(args);
        if (zone) {
            refuseOutside(zone, args.names);
            // Another hostname is another resource: published at once, while the old one goes at the end of the update. As
            // a replacement of one resource it would be deleted when a failed change is taken back.
            this.resources = sets.map((set) =>
                provider.createRecordSet(
                    `${name}-${set.name}-${set.type.toLowerCase()}`,
                    { zone, set, allowOverwrite },
                    { parent: this },
                ),
            );
        }
        this.records = pulumi
            .output(sets)
            .apply((known) => known.flatMap(({ values, ...set }) => values.map((value) => ({ ...set, value }))));
        this.registerOutputs({ records: this.records });
    }
}

function refuseOutside(zone: Zone, names: readonly string[]): void {
    const outside = firstOutside(zone.name, names);
    if (outside === undefined) return;
    throw new pulumi.RunError(
        `${outside} is not in the hosted zone ${zone.name}. Choose a name that ends in .${zone.name}, or set dns to external.`,
    );
}

function recordSets({ names, ipv4, ipv6, caa }: DnsArgs): RecordSet[] {
    const ttl = TTL;
    const addresses = names.flatMap((name): RecordSet[] => [
        { name, type: "A", ttl, values: [ipv4] },
        ...(ipv6 === undefined ? [] : [{ name, type: "AAAA" as const, ttl, values: [ipv6] }]),
    ]);
    if (!caa) return addresses;
    const values = caaValues(caa.issuer, caa.accountUri);
    return [...addresses, ...caa.names.map((name) => ({ name, type: "CAA" as const, ttl, values }))];
}

/** One authority for the names themselves, none for wildcards below them. Pure. */
export function caaValues(issuer: string, accountUri?: string): string[] {
    return [`0 issue "${issuer}${accountUri === undefined ? "" : `; accounturi=${accountUri}`}"`, '0 issuewild ";"'];
}
