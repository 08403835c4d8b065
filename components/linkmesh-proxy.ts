import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { Dns, type PublishedRecord } from "./cloud/dns.ts";
import type { Surroundings } from "./cloud/lookups.ts";
import { Machine } from "./cloud/machine.ts";
import { Network } from "./cloud/network.ts";
import { SecurityGroup } from "./cloud/security-group.ts";
import { DATA_TAG, SnapshotSchedule, dataTagValue } from "./cloud/snapshots.ts";
import { setUpCertificate } from "./host/certificate.ts";
import { setUpLinkMesh } from "./host/linkmesh.ts";
import { installNginx, setUpProxy } from "./host/nginx.ts";
import { renderUserData } from "./host/render/user-data.ts";
import { SshHost } from "./host/ssh-host.ts";
import { Protection } from "./protection.ts";
import type { Settings } from "./settings.ts";

export interface LinkMeshProxyArgs {
    /** From `loadSettings` or `parseSettings`. */
    settings: Settings;
    /** From `lookUp(name, settings)`, with the name of this component. */
    surroundings: Surroundings;
}

/** The login of Debian's images on AWS. */
const USER = "admin";

const PUBLIC_PORTS = [
    { port: 80, description: "ACME challenges, and the redirect to https" },
    { port: 443, description: "UI, REST API and OpAMP over https" },
    { port: 50051, description: "gRPC of linkmesh-agent, mTLS passed through" },
];

/** LinkMesh behind its public hostname: network, machine and names in the cloud, then the steps on the machine, in order. */
export class LinkMeshProxy extends pulumi.ComponentResource {
    readonly publicUrl: string;
    readonly opampUrl: string;
    readonly grpcEndpoint: string;
    readonly ipv4: pulumi.Output<string>;
    readonly ipv6: pulumi.Output<string>;
    readonly sshCommand: pulumi.Output<string>;
    /** Secret. Undefined when the user brings a key. */
    readonly sshPrivateKey: pulumi.Output<string> | undefined;
    /** The machine's host key, as known_hosts and ssh-keyscan show it. */
    readonly sshHostKey: pulumi.Output<string>;
    readonly dnsRecords: pulumi.Output<PublishedRecord[]>;

    constructor(name: string, args: LinkMeshProxyArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:LinkMeshProxy", name, {}, opts);
        const { settings, surroundings } = args;
        const { domain } = settings;
        const child = { parent: this };
        const dataTag = dataTagValue(name);

        const ownNetwork = surroundings.subnet
            ? undefined
            : new Network(
                  `${name}-network`,
                  { cidrBlock: settings.vpcCidr, availabilityZone: surroundings.availabilityZone, tags: settings.tags },
                  child,
              );
        const group = new SecurityGroup(
            `${name}-security`,
            {
                vpcId: surroundings.subnet?.vpcId ?? ownNetwork!.vpcId,
                publicPorts: PUBLIC_PORTS,
                sshAllowedCidrs: settings.sshAllowedCidrs,
                tags: settings.tags,
            },
            child,
        );

        const hostKey = new tls.PrivateKey(`${name}-host-key`, { algorithm: "ED25519" }, child);
        const generatedKey =
            settings.sshPublicKey === ""
                ? new tls.PrivateKey(`${name}-login-key`, { algorithm: "ED25519" }, child)
                : undefined;
        const privateKey = generatedKey?.privateKeyOpenssh ?? pulumi.secret(settings.sshPrivateKey);

        const machine = new Machine(
            `${name}-machine`,
            {
                imageId: surroundings.imageId,
                imagePinned: settings.imageId !== "",
                instanceType: settings.instanceType,
                subnetId: surroundings.subnet?.id ?? ownNetwork!.subnetId,
                availabilityZone: ownNetwork?.availabilityZone ?? surroundings.availabilityZone,
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
                dataVolumeTags: { [DATA_TAG]: dataTag },
                snapshotId: surroundings.snapshotId,
                finalSnapshot: settings.finalSnapshot,
                paused: settings.paused,
                protect: settings.protect,
                network: [...(ownNetwork?.routes ?? []), ...group.rules],
                tags: settings.tags,
            },
            child,
        );
        const { ipv4, ipv6 } = machine;
        const dns = new Dns(
            `${name}-dns`,
            {
                zoneId: surroundings.zoneId,
                zoneName: surroundings.zoneName,
                domain,
                ipv4,
                ipv6,
                allowOverwrite: settings.dnsAllowOverwrite,
            },
            child,
        );

        const schedule =
            settings.dailySnapshots > 0
                ? new SnapshotSchedule(
                      `${name}-snapshots`,
                      { dataTag, keep: settings.dailySnapshots, tags: settings.tags },
                      child,
                  )
                : undefined;

        const lastStep =
            machine.instance &&
            setUpHost(
                new SshHost(name, this, {
                    host: ipv4,
                    user: USER,
                    privateKey,
                    hostKey: hostKey.publicKeyOpenssh.apply((key) => key.trim()),
                    machine: machine.instance,
                    dependsOn: [...machine.ready, ...dns.resources],
                }),
                settings,
                { device: machine.dataDevice, owner: dataTag, zoneName: surroundings.zoneName, ipv4, ipv6 },
            );
        new Protection(
            `${name}-setting-protect`,
            {
                enabled: settings.protect,
                resources: [ownNetwork, group, hostKey, generatedKey, machine, dns, schedule, lastStep].filter(
                    (resource) => resource !== undefined,
                ),
            },
            child,
        );

        this.publicUrl = `https://${domain}`;
        this.opampUrl = `wss://${domain}/v1/opamp`;
        this.grpcEndpoint = `${domain}:50051`;
        this.ipv4 = ipv4;
        this.ipv6 = ipv6;
        this.sshPrivateKey = generatedKey?.privateKeyOpenssh;
        this.sshHostKey = hostKey.publicKeyOpenssh.apply((key) => key.trim());
        this.sshCommand = ipv4.apply(
            (address) => `ssh ${generatedKey ? "-i linkmesh-proxy.key " : ""}${USER}@${address}`,
        );
        this.dnsRecords = dns.records;
        this.registerOutputs({
            publicUrl: this.publicUrl,
            opampUrl: this.opampUrl,
            grpcEndpoint: this.grpcEndpoint,
            ipv4,
            ipv6,
        });
    }
}

interface HostSurroundings {
    /** Of the data volume. */
    device: pulumi.Input<string>;
    /** Who the data on it belong to. */
    owner: string;
    zoneName: string;
    ipv4: pulumi.Input<string>;
    ipv6: pulumi.Input<string>;
}

/**
 * The steps on the machine, in order. The certificate comes before LinkMesh is touched: when a new name cannot have
 * one, all is left as it was under the old name. Returns the last step.
 */
function setUpHost(host: SshHost, settings: Settings, surroundings: HostSurroundings): pulumi.Resource {
    const directories = [...settings.linkmeshDataPaths, "/etc/letsencrypt"];
    host.step("ready", { connectionAttempts: 30, timeout: 900 });
    host.step("volume", {
        variables: {
            DEVICE: surroundings.device,
            DIRECTORIES: directories.join("\n"),
            SIZE: String(settings.dataVolumeSize),
            OWNER: surroundings.owner,
            DOMAIN: settings.domain,
        },
    });
    installNginx(host, settings);
    setUpCertificate(host, settings, surroundings);
    setUpLinkMesh(host, settings);
    return setUpProxy(host, settings);
}
