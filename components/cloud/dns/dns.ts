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
    /** All records, also before the addresses are published. */
    readonly records: pulumi.Output<DnsRecord[]>;
    /** The CAA records. An authority reads them before it issues a certificate. */
    readonly caa: readonly pulumi.Resource[];

    /** @throws RunError when a name lies outside the zone. */
    constructor(
        private readonly name: string,
        private readonly args: DnsArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("linkmesh-proxy:index:Dns", name, {}, opts);
        if (args.zone) refuseOutside(args.zone, args.names);
        const caa = caaSets(args);
        this.caa = this.create(caa);
        this.records = pulumi
            .output([...addressSets(args), ...caa])
            .apply((known) => known.flatMap(({ values, ...set }) => values.map((value) => ({ ...set, value }))));
        this.registerOutputs({ records: this.records });
    }

    /**
     * Publishes the addresses of the names, so that clients connect.
     * @param after what must exist before that
     */
    publish(after: readonly pulumi.Resource[] = []): readonly pulumi.Resource[] {
        return this.create(addressSets(this.args), after);
    }

    private create(sets: readonly NamedSet[], dependsOn: readonly pulumi.Resource[] = []): pulumi.Resource[] {
        const { provider, zone, allowOverwrite = false } = this.args;
        if (!zone) return [];
        // The hostname is part of the resource's name, so a new hostname is published at once and the old record is deleted
        // at the end of the update. If it were a replacement of one resource, taking back a failed change would delete the
        // record.
        return sets.map((set) =>
            provider.createRecordSet(
                `${this.name}-${set.name}-${set.type.toLowerCase()}`,
                { zone, set, allowOverwrite },
                { parent: this, dependsOn: [...dependsOn] },
            ),
        );
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

function addressSets({ names, ipv4, ipv6 }: DnsArgs): NamedSet[] {
    const ttl = TTL;
    return names.flatMap((name): NamedSet[] => [
        { name, type: "A", ttl, values: [...ipv4] },
        ...(ipv6 === undefined ? [] : [{ name, type: "AAAA" as const, ttl, values: [...ipv6] }]),
    ]);
}

function caaSets({ caa }: DnsArgs): NamedSet[] {
    if (!caa) return [];
    const values = caaValues(caa.issuer, caa.accountUri);
    return caa.names.map((name) => ({ name, type: "CAA" as const, ttl: TTL, values }));
}

/** Allows one authority for the name itself, and none for wildcards below it. Pure. */
export function caaValues(issuer: string, accountUri?: string): string[] {
    return [`0 issue "${issuer}${accountUri === undefined ? "" : `; accounturi=${accountUri}`}"`, '0 issuewild ";"'];
}
