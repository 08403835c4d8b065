import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { hasOwnCertificate, certificateNames, commonName } from "../certificate.ts";
import { publicNames } from "../endpoints.ts";
import { withoutWildcard } from "../hostnames.ts";
import { readChain } from "../settings/chain.ts";
import type { Settings } from "../settings/settings.ts";
import { announceRecords } from "./dns/announce.ts";
import type { DnsProvider, DnsRecord, Zone } from "./dns/provider.ts";

export interface TierCertificateArgs {
    settings: Settings;
    provider: DnsProvider;
    /** Where the validation records are created. Undefined if the user creates them. */
    zone: Zone | undefined;
    /** CAA records, which must allow Certificate Manager before it is asked. */
    caa: readonly pulumi.Resource[];
    /** For everything that can be tagged, besides Name. Default: none. */
    tags?: Readonly<Record<string, string>>;
}

/** Seconds. The records never change, so it only counts when the first of them was missing. */
const TTL = 60;

const WAITING =
    "dns is external: create these records within 75 minutes, which is how long the update waits for the certificate. They have to stay, because every renewal looks for them:";

/**
 * The load balancer's certificate in AWS Certificate Manager: issued for the public names and renewed as long as the
 * validation records are there, or the user's own, imported. Costs nothing.
 */
export class TierCertificate extends pulumi.ComponentResource {
    /** Of a certificate that can be used: one that is issued has been validated. */
    readonly arn: pulumi.Output<string>;
    /** The records that Certificate Manager looks for; none with the user's own certificate. */
    readonly records: pulumi.Output<DnsRecord[]>;

    constructor(name: string, args: TierCertificateArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:TierCertificate", name, {}, opts);
        const tags = { ...args.tags, Name: name };
        const { arn, records } = hasOwnCertificate(args.settings)
            ? { arn: importCertificate(name, args.settings, tags, this), records: pulumi.output<DnsRecord[]>([]) }
            : issueCertificate(name, args, tags, this);
        this.arn = arn;
        this.records = records;
        this.registerOutputs({ arn, records });
    }
}

type Tags = Readonly<Record<string, string>>;

/**
 * A new certificate is imported beside the old one, which is deleted after the listener has the new one: into the same resource
 * Certificate Manager takes none with another kind or size of key, or without a usage that the old one has.
 */
function importCertificate(name: string, settings: Settings, tags: Tags, parent: pulumi.Resource) {
    const [shown, ...chain] = readChain(settings.tlsCertificate);
    return new aws.acm.Certificate(
        `${name}-own`,
        {
            certificateBody: shown!.toString(),
            certificateChain: chain.length === 0 ? undefined : chain.map(String).join(""),
            privateKey: settings.tlsPrivateKey.output(),
            tags,
        },
        { parent, replacementTrigger: shown!.fingerprint256 },
    ).arn;
}

function issueCertificate(
    name: string,
    { settings, provider, zone, caa }: TierCertificateArgs,
    tags: Tags,
    parent: pulumi.Resource,
) {
    const domainName = commonName(settings);
    const others = certificateNames(settings).filter((one) => one !== domainName);
    // Other names need another certificate. The old one is deleted after the listener has the new one.
    const certificate = new aws.acm.Certificate(
        `${name}-issued`,
        {
            domainName: domainName!,
            subjectAlternativeNames: others.length === 0 ? undefined : others,
            validationMethod: "DNS",
            // As certbot's: its handshakes cost the least.
            keyAlgorithm: "EC_prime256v1",
            tags,
        },
        { parent, dependsOn: [...caa] },
    );
    // A wildcard has the record of the name below it.
    const names = [...new Set(certificateNames(settings).map(withoutWildcard))];
    const options = certificate.domainValidationOptions.apply((all) =>
        names.map((one) => all.find(({ domainName: of }) => withoutWildcard(of) === one)!),
    );
    const records = options.apply((all) =>
        all.map(({ resourceRecordName, resourceRecordType, resourceRecordValue }) => ({
            name: resourceRecordName.replace(/\.$/, ""),
            type: resourceRecordType,
            ttl: TTL,
            value: resourceRecordValue,
        })),
    );
    const created = names.flatMap((one, index) => {
        if (!zone) return [];
        const set = {
            name: options.apply((all) => all[index]!.resourceRecordName.replace(/\.$/, "")),
            type: "CNAME" as const,
            ttl: TTL,
            values: [options.apply((all) => all[index]!.resourceRecordValue)],
        };
        // The record is the same for every certificate of the account, so one of another stack may be there already. If the name
        // is not this stack's own, as with a wildcard, it stays, because the renewal of another certificate looks for it.
        const retainOnDelete = !publicNames(settings).includes(one);
        const opts = { parent, retainOnDelete };
        return provider.createRecordSet(`${name}-${one}`, { zone, set, allowOverwrite: true }, opts);
    });
    const validation = new aws.acm.CertificateValidation(
        `${name}-validation`,
        { certificateArn: certificate.arn },
        {
            parent,
            dependsOn: created,
            hooks: { beforeCreate: zone ? [] : announceRecords(name, WAITING, records, parent) },
        },
    );
    return { arn: validation.certificateArn, records };
}
