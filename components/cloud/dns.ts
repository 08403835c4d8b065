import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

/** Seconds. Short, so that a machine with another address is found soon. */
const TTL = 60;

export interface DnsArgs {
    zoneId: pulumi.Input<string>;
    /** Name of the zone, for example "example.com". */
    zoneName: string;
    /** The name to publish, inside the zone. */
    domain: string;
    ipv4: pulumi.Input<string>;
    ipv6: pulumi.Input<string>;
    /** Take over records that exist already. Default: false, an existing record is an error. */
    allowOverwrite?: boolean;
}

/** A DNS record as a person would enter it elsewhere. */
export interface PublishedRecord {
    name: string;
    type: "A" | "AAAA";
    ttl: number;
    value: string;
}

/** The A and AAAA records of the public hostname. */
export class Dns extends pulumi.ComponentResource {
    readonly records: pulumi.Output<PublishedRecord[]>;
    readonly resources: pulumi.Resource[];

    /** @throws RunError when the domain lies outside the zone. */
    constructor(name: string, args: DnsArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:Dns", name, {}, opts);
        const { domain, zoneName, zoneId, allowOverwrite = false } = args;
        if (domain !== zoneName && !domain.endsWith(`.${zoneName}`)) {
            throw new pulumi.RunError(
                `domain: ${domain} lies outside the hosted zone ${zoneName}; choose a name that ends in .${zoneName}.`,
            );
        }
        const published = [
            { type: "A" as const, value: args.ipv4 },
            { type: "AAAA" as const, value: args.ipv6 },
        ];
        this.resources = published.map(
            ({ type, value }) =>
                new aws.route53.Record(
                    // Another hostname is another resource: published at once, while the old one goes at the end of the
                    // update. As a replacement of one resource it would be deleted when a failed change is taken back.
                    `${name}-${domain}-${type.toLowerCase()}`,
                    { zoneId, name: domain, type, ttl: TTL, records: [value], allowOverwrite },
                    { parent: this },
                ),
        );
        this.records = pulumi
            .all(published.map(({ value }) => value))
            .apply((values) => values.map((value, i) => ({ name: domain, type: published[i]!.type, ttl: TTL, value })));
        this.registerOutputs({ records: this.records });
    }
}
