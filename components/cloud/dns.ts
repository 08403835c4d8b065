import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { firstOutside } from "../hostnames.ts";

/** Seconds. Short, so that a machine with another address is found soon. */
const TTL = 60;

export interface DnsArgs {
    /** The Route 53 zone for the records. Default: none, the records are made elsewhere. */
    zone?: {
        id: pulumi.Input<string>;
        /** For example "example.com". */
        name: string;
    };
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

/** A DNS record as a person would enter it elsewhere. */
export interface PublishedRecord {
    name: string;
    type: "A" | "AAAA" | "CAA";
    ttl: number;
    value: string;
}

interface RecordSet {
    name: string;
    type: PublishedRecord["type"];
    values: pulumi.Input<string>[];
}

/** The records of the public names: made in Route 53, or told, to be made elsewhere. */
export class Dns extends pulumi.ComponentResource {
    readonly records: pulumi.Output<PublishedRecord[]>;
    readonly resources: pulumi.Resource[] = [];

    /** @throws RunError when a name lies outside the zone. */
    constructor(name: string, args: DnsArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:Dns", name, {}, opts);
        const { zone, allowOverwrite = false } = args;
        const stranger = zone && firstOutside(zone.name, args.names);
        if (stranger !== undefined) {
            throw new pulumi.RunError(
                `${stranger} is not in the hosted zone ${zone!.name}. Choose a name that ends in .${zone!.name}, or set dns to external.`,
            );
        }
        const sets: RecordSet[] = args.names.flatMap((one) => [
            { name: one, type: "A", values: [args.ipv4] },
            ...(args.ipv6 === undefined ? [] : [{ name: one, type: "AAAA" as const, values: [args.ipv6] }]),
        ]);
        if (args.caa) {
            const values = caaValues(args.caa.issuer, args.caa.accountUri);
            sets.push(...args.caa.names.map((one) => ({ name: one, type: "CAA" as const, values })));
        }
        if (zone) {
            this.resources = sets.map(
                (set) =>
                    new aws.route53.Record(
                        // Another hostname is another resource: published at once, while the old one goes at the end of
                        // the update. As a replacement of one resource it would be deleted when a failed change is taken
                        // back.
                        `${name}-${set.name}-${set.type.toLowerCase()}`,
                        {
                            zoneId: zone.id,
                            name: set.name,
                            type: set.type,
                            ttl: TTL,
                            records: set.values,
                            allowOverwrite,
                        },
                        { parent: this },
                    ),
            );
        }
        this.records = pulumi
            .output(sets)
            .apply((known) =>
                known.flatMap((set) =>
                    set.values.map((value) => ({ name: set.name, type: set.type, ttl: TTL, value })),
                ),
            );
        this.registerOutputs({ records: this.records });
    }
}

/** One authority for the names themselves, none for wildcards below them. Pure. */
export function caaValues(issuer: string, accountUri?: string): string[] {
    return [`0 issue "${issuer}${accountUri === undefined ? "" : `; accounturi=${accountUri}`}"`, '0 issuewild ";"'];
}
