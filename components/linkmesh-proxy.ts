import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { Dns, type DnsArgs, type PublishedRecord } from "./cloud/dns.ts";
import { InstanceRole } from "./cloud/instance-role.ts";
import type { Lookups } from "./cloud/lookups/lookups.ts";
import { LOGIN_TAG, loginKeyName } from "./cloud/login-key.ts";
import { staysIn } from "./cloud/lookups/availability-zone.ts";
import { Machine } from "./cloud/machine.ts";
import { Network } from "./cloud/network.ts";
import { SecurityGroup } from "./cloud/security-group.ts";
import { DATA_TAG, DOMAIN_TAG, SnapshotSchedule, dataTagValue } from "./cloud/snapshots.ts";
import { STACK_TAG } from "./cloud/stack-tag.ts";
import { renderUserData } from "./host/render/user-data.ts";
import { SshHost } from "./host/ssh-host.ts";
import { setUp } from "./host/steps.ts";
import { Protection } from "./protection.ts";
import type { Settings } from "./settings/settings.ts";
import { certificateNames, hasOwnCertificate, usesDns01 } from "./certificate.ts";
import { grpcEndpoint, publicNames } from "./endpoints.ts";
import { openPorts } from "./listeners.ts";
import { OPERATING_SYSTEM_FACTS } from "./operating-systems.ts";

export interface LinkMeshProxyArgs {
    /** From `loadSettings` or `parseSettings`. */
    settings: Settings;
    /** From `lookUp(name, settings)`, with the name of this component. */
    lookups: Lookups;
}

/** LinkMesh behind its public hostname: network, machine and names in the cloud, then the steps on the machine, in order. */
export class LinkMeshProxy extends pulumi.ComponentResource {
    readonly publicUrl: string;
    /** With HTTP/2, for people. Undefined without uiDomain. */
    readonly uiUrl: string | undefined;
    /** What redirects to https. Undefined when port 80 is closed. */
    readonly httpUrl: string | undefined;
    readonly opampUrl: string;
    /** "host:port". Undefined when gRPC is off. */
    readonly grpcEndpoint: string | undefined;
    /** "acme", or "own" when the user brings the certificate. */
    readonly certificateSource: "acme" | "own";
    readonly ipv4: pulumi.Output<string>;
    /** Undefined in a subnet without IPv6. */
    readonly ipv6: pulumi.Output<string> | undefined;
    readonly sshCommand: pulumi.Output<string>;
    /** Secret. Undefined when the user brings a key. */
    readonly sshPrivateKey: pulumi.Output<string> | undefined;
    /** The machine's host key, as known_hosts and ssh-keyscan show it. */
    readonly sshHostKey: pulumi.Output<string>;
    /** What is published, or with dns=external what to publish. */
    readonly dnsRecords: pulumi.Output<PublishedRecord[]>;

    constructor(name: string, args: LinkMeshProxyArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:LinkMeshProxy", name, {}, opts);
        const { settings, lookups: surroundings } = args;
        const { domain } = settings;
        const child = { parent: this };
        const dataTag = dataTagValue(name);
        const tags = { ...settings.tags, [STACK_TAG]: dataTag };

        const ownNetwork = surroundings.subnet
            ? undefined
            : new Network(
                  `${name}-network`,
                  { cidrBlock: settings.vpcCidr, availabilityZone: surroundings.availabilityZone, tags },
                  child,
              );
        const group = new SecurityGroup(
            `${name}-security`,
            {
                vpcId: surroundings.subnet?.vpcId ?? ownNetwork!.vpcId,
                ports: openPorts(settings),
                sshAllowedCidrs: settings.sshAllowedCidrs,
                ipv6: surroundings.ipv6,
                tags,
            },
            child,
        );

        const hostKey = new tls.PrivateKey(`${name}-host-key`, { algorithm: "ED25519" }, child);
        const generatedKey =
            settings.sshPublicKey === ""
                ? new tls.PrivateKey(`${name}-login-key`, { algorithm: "ED25519" }, child)
                : undefined;
        const privateKey = generatedKey?.privateKeyOpenssh ?? settings.sshPrivateKey.output();

        const { zone } = surroundings;
        const role = new InstanceRole(
            `${name}-instance`,
            {
                challenges:
                    zone && usesDns01(settings) ? { zoneId: zone.id, names: certificateNames(settings) } : undefined,
                tags,
            },
            // Its name and type as long as only stacks with dns-01 had it.
            { ...child, aliases: [{ name: `${name}-challenge`, type: "linkmesh-proxy:index:ChallengeRights" }] },
        );

        const machine = new Machine(
            `${name}-machine`,
            {
                imageId: surroundings.imageId,
                rootVolumeSize: surroundings.rootVolumeSize,
                imagePinned: settings.imageId !== "",
                operatingSystem: surroundings.operatingSystem,
                ipv6: surroundings.ipv6,
                publicAddress: settings.publicAddress,
                instanceProfile: role.instanceProfile,
                instanceType: settings.instanceType,
                // Named although it is AWS's default: without it a change back would be none.
                cpuCredits: (surroundings.burstable && settings.cpuCredits) || undefined,
                subnetId: surroundings.subnet?.id ?? ownNetwork!.subnetId,
                availabilityZone:
                    ownNetwork?.availabilityZone.apply((zone) => staysIn(zone, settings)) ??
                    surroundings.availabilityZone,
                securityGroupIds: [group.id],
                userData: pulumi
                    .all([
                        hostKey.privateKeyOpenssh,
                        hostKey.publicKeyOpenssh,
                        generatedKey?.publicKeyOpenssh ?? settings.sshPublicKey,
                    ])
                    .apply(([hostPrivateKey, hostPublicKey, authorizedKey]) =>
                        renderUserData({ hostPrivateKey, hostPublicKey, authorizedKey }),
                    ),
                dataVolumeSize: settings.dataVolumeSize,
                dataVolumeTags: {
                    [DATA_TAG]: dataTag,
                    [DOMAIN_TAG]: domain,
                    [LOGIN_TAG]: loginKeyName(settings),
                },
                snapshotId: surroundings.snapshotId,
                finalSnapshot: settings.finalSnapshot,
                paused: settings.paused,
                protect: settings.protect,
                network: [...(ownNetwork?.routes ?? []), ...group.rules],
                tags,
            },
            child,
        );
        const { ipv4, ipv6 } = machine;
        const { user } = OPERATING_SYSTEM_FACTS[surroundings.operatingSystem];
        const dns = new Dns(
            `${name}-dns`,
            {
                zone,
                names: publicNames(settings),
                ipv4,
                ipv6,
                caa: caa(settings, zone?.name),
                allowOverwrite: settings.dnsAllowOverwrite,
            },
            child,
        );

        const schedule =
            settings.dailySnapshots > 0
                ? new SnapshotSchedule(`${name}-snapshots`, { dataTag, keep: settings.dailySnapshots, tags }, child)
                : undefined;

        const host =
            machine.instance &&
            new SshHost(name, this, {
                host: ipv4,
                user,
                privateKey,
                hostKey: hostKey.publicKeyOpenssh.apply((key) => key.trim()),
                bastion: bastion(settings),
                machine: machine.instance,
                dependsOn: [...machine.ready, ...dns.resources, ...role.resources],
            });
        if (host) {
            const { dataDevice: device } = machine;
            setUp(host, { settings, device, owner: dataTag, zone, records: dns.records, ipv4, ipv6 });
        }
        new Protection(
            `${name}-setting-protect`,
            {
                enabled: settings.protect,
                resources: [
                    ownNetwork,
                    group,
                    hostKey,
                    generatedKey,
                    role,
                    machine,
                    dns,
                    schedule,
                    host?.lastStep,
                ].filter((resource) => resource !== undefined),
            },
            child,
        );

        const grpc = grpcEndpoint(settings);
        this.publicUrl = `https://${domain}`;
        this.uiUrl = settings.uiDomain === "" ? undefined : `https://${settings.uiDomain}`;
        this.httpUrl = settings.httpRedirect ? `http://${domain}` : undefined;
        this.opampUrl = `wss://${domain}/v1/opamp`;
        this.grpcEndpoint = grpc && `${grpc.host}:${grpc.port}`;
        this.certificateSource = hasOwnCertificate(settings) ? "own" : "acme";
        this.ipv4 = ipv4;
        this.ipv6 = ipv6;
        this.sshPrivateKey = generatedKey?.privateKeyOpenssh;
        this.sshHostKey = hostKey.publicKeyOpenssh.apply((key) => key.trim());
        this.sshCommand = ipv4.apply(
            (address) => `ssh ${generatedKey ? "-i linkmesh-proxy.key " : ""}${jump(settings)}${user}@${address}`,
        );
        this.dnsRecords = dns.records;
        this.registerOutputs({
            publicUrl: this.publicUrl,
            uiUrl: this.uiUrl,
            httpUrl: this.httpUrl,
            opampUrl: this.opampUrl,
            grpcEndpoint: this.grpcEndpoint,
            certificateSource: this.certificateSource,
            ipv4,
            ipv6,
        });
    }
}

function caa(settings: Settings, zoneName: string | undefined): DnsArgs["caa"] {
    const { caaIssuer: issuer, caaAccountUri: accountUri } = settings;
    if (issuer === "") return undefined;
    if (zoneName !== undefined && certificateNames(settings).includes(zoneName)) {
        void pulumi.log.warn(
            `caaIssuer: ${zoneName} is the zone itself, so its CAA records apply to every name below it that has none of its own, and forbid wildcards there.`,
        );
    }
    if (accountUri !== "") {
        void pulumi.log.warn(
            `caaAccountUri: only this account's key gets certificates for the names. The key is on the data volume. If you lose the volume and have no snapshot, remove the CAA records first.`,
        );
    }
    return { names: certificateNames(settings), issuer, accountUri: accountUri || undefined };
}

function bastion(settings: Settings) {
    if (settings.bastionHost === "") return undefined;
    return {
        host: settings.bastionHost,
        user: settings.bastionUser,
        privateKey: settings.bastionPrivateKey.output(),
        hostKey: settings.bastionHostKey,
    };
}

/** ssh's own way through the bastion, with the user's own key there. */
function jump({ bastionHost, bastionUser }: Settings): string {
    if (bastionHost === "") return "";
    return `-J ${bastionUser}@${bastionHost.includes(":") ? `[${bastionHost}]` : bastionHost} `;
}
