import * as pulumi from "@pulumi/pulumi";
import { firstOutside } from "../../hostnames.ts";
import type { DnsProvider, DnsRecord, RecordSet, Zone } from "./provider.ts";

/** Seconds. Short, so that clients soon find a machine whose address has changed. */
const TTL = 60;

export interface DnsArgs {
    provider: DnsProvider;
    /** Where the records are created. Undefined if the user creates them. */
    zone: Zone | undefined;
    /** The names to publish, inside the zone. */
    names: readonly string[];
    ipv4: readonly pulumi.Input<string>[];
    /** Default: no AAAA records. */
    ipv6?: readonly pulumi.Input<string>[];
    /** CAA records, which allow only one authority to issue certificates. Default: none. */
    caa?: {
        names: readonly string[];
        /** For example "letsencrypt.org". */
        issuer: string;
        /** The only ACME account that may order. Default: any. */
        accountUri?: string;
    };
    /** Overwrite existing records. Default: false, an existing record is an error. */
    allowOverwrite?: boolean;
}

/** The DNS records of the public names: created at a provider, or listed for the user to create. */
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
            // The hostname is part of the resource's name, so a new hostname is published at once and the old record is
            // deleted at the end of the update. If it were a replacement of one resource, taking back a failed change would
            // delete the record.
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

/** A record set whose name is known in the first preview. */
type NamedSet = RecordSet & { readonly name: string };

function recordSets({ names, ipv4, ipv6, caa }: DnsArgs): NamedSet[] {
    const ttl = TTL;
    const addresses = names.flatMap((name): NamedSet[] => [
        { name, type: "A", ttl, values: [...ipv4] },
        ...(ipv6 === undefined ? [] : [{ name, type: "AAAA" as const, ttl, values: [...ipv6] }]),
    ]);
    if (!caa) return addresses;
    const values = caaValues(caa.issuer, caa.accountUri);
    return [...addresses, ...caa.names.map((name) => ({ name, type: "CAA" as const, ttl, values }))];
}

/** Allows one authority for the name itself, and none for wildcards below it. Pure. */
export function caaValues(issuer: string, accountUri?: string): string[] {
    return [`0 issue "${issuer}${accountUri === undefined ? "" : `; accounturi=${accountUri}`}"`, '0 issuewild ";"'];
}
