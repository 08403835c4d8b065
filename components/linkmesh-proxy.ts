import * as pulumi from "@pulumi/pulumi";
import { certificateNames, usesDns01 } from "./certificate.ts";
import { createAlarms } from "./cloud/alarms/create.ts";
import { checksOf } from "./checks.ts";
import { caaOf } from "./cloud/dns/caa.ts";
import { Dns } from "./cloud/dns/dns.ts";
import type { DnsProvider, Zone } from "./cloud/dns/provider.ts";
import { DNS_PROVIDERS } from "./cloud/dns/providers.ts";
import { metricsPolicy, sessionPolicy } from "./cloud/instance-rights.ts";
import { InstanceRole } from "./cloud/instance-role.ts";
import { instanceArgs } from "./cloud/instance.ts";
import { LOGIN_TAG, loginKeyName } from "./cloud/login-key.ts";
import type { Lookups } from "./cloud/lookups/lookups.ts";
import { Machine, machineName, type MachineArgs } from "./cloud/machine.ts";
import { joinNetwork } from "./cloud/network.ts";
import { SecurityGroup } from "./cloud/security-group.ts";
import { DOMAIN_TAG, SnapshotSchedule, dataTagValue } from "./cloud/snapshots.ts";
import { DATA_TAG, STACK_TAG } from "./cloud/stack-tag.ts";
import { publicNames } from "./endpoints.ts";
import { bastionOf, createAccess, sessionCommand, sshCommand } from "./host/access.ts";
import { SshHost } from "./host/ssh-host.ts";
import { setUp } from "./host/steps.ts";
import { openPorts } from "./listeners.ts";
import { OPERATING_SYSTEM_FACTS } from "./operating-systems.ts";
import { defined } from "./defined.ts";
import { endpointOutputs, type Outputs } from "./outputs.ts";
import { Protection } from "./protection.ts";
import type { Settings } from "./settings/settings.ts";
import { createTier } from "./tier.ts";

export interface LinkMeshProxyArgs {
    /** From `loadSettings` or `parseSettings`. */
    settings: Settings;
    /** From `lookUp(name, settings)`, with the name of this component. */
    lookups: Lookups;
}

/** LinkMesh behind its public hostname: first network, machine and DNS records in the cloud, then the steps on the machine. */
export class LinkMeshProxy extends pulumi.ComponentResource {
    readonly outputs: Outputs;

    constructor(name: string, { settings, lookups }: LinkMeshProxyArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:LinkMeshProxy", name, {}, opts);
        const child = { parent: this };
        const owner = dataTagValue(name);
        const tags = { ...settings.tags, [STACK_TAG]: owner };
        if (settings.nodes > 1) {
            this.outputs = createTier(name, { settings, lookups, owner, tags }, this);
            this.registerOutputs(this.outputs);
            return;
        }
        const { zone } = lookups;
        const provider = DNS_PROVIDERS[settings.dns];

        const network = joinNetwork(`${name}-network`, { settings, lookups, tags }, child);
        const group = new SecurityGroup(
            `${name}-security`,
            {
                vpcId: network.vpcId,
                ports: openPorts(settings),
                sshAllowedCidrs: settings.sshAllowedCidrs,
                ipv6: lookups.ipv6,
                tags,
            },
            child,
        );
        const access = createAccess(name, settings, child);
        const role = new InstanceRole(
            `${name}-instance`,
            {
                policies: {
                    policy: challengePolicy(settings, provider, zone),
                    metrics: metricsPolicy(settings),
                    session: sessionPolicy(settings),
                },
                tags,
            },
            // Stacks of an older version have it under this name and type.
            { ...child, aliases: [{ name: `${name}-challenge`, type: "linkmesh-proxy:index:ChallengeRights" }] },
        );
        const machine = new Machine(
            machineName(name),
            {
                ...machineArgs(settings, lookups),
                subnetId: network.subnetId,
                availabilityZone: network.availabilityZone,
                securityGroupIds: [group.id],
                instanceProfile: role.instanceProfile,
                userData: access.userData,
                dataVolumeTags: {
                    [DATA_TAG]: owner,
                    [DOMAIN_TAG]: settings.domain,
                    [LOGIN_TAG]: loginKeyName(settings),
                },
                network: [...network.routes, ...group.rules],
                tags,
            },
            child,
        );
        const { host, ipv4, ipv6 } = machine;
        const dns = new Dns(
            `${name}-dns`,
            {
                provider,
                zone,
                names: publicNames(settings),
                ipv4: [ipv4],
                ipv6: ipv6 && [ipv6],
                caa: caaOf(settings, zone),
                allowOverwrite: settings.dnsAllowOverwrite,
            },
            child,
        );
        const records = dns.publish();
        const schedule =
            settings.dailySnapshots > 0
                ? new SnapshotSchedule(
                      `${name}-snapshots`,
                      { dataTag: owner, keep: settings.dailySnapshots, tags },
                      child,
                  )
                : undefined;

        const ssh =
            host &&
            new SshHost(name, this, {
                host,
                privateKey: access.privateKey,
                hostKey: access.hostKey,
                bastion: bastionOf(settings),
                dependsOn: [...records, ...dns.caa, ...role.resources],
            });
        if (ssh) {
            const dns01 = usesDns01(settings) ? provider.dns01 : undefined;
            setUp(ssh, { settings, host, owner, zone, records: dns.records, dns01, region: lookups.region });
        }
        const watched = host && ssh?.lastStep && { ...host, ready: [ssh.lastStep] };
        const alarms = createAlarms(`${name}-alarms`, { settings, lookups, owner, host: watched, tags }, child);
        new Protection(
            `${name}-setting-protect`,
            {
                settings,
                resources: [
                    network.own,
                    group,
                    ...access.resources,
                    role,
                    machine,
                    dns,
                    schedule,
                    alarms,
                    ssh?.lastStep,
                ].filter((resource) => resource !== undefined),
            },
            child,
        );

        const { user } = OPERATING_SYSTEM_FACTS[lookups.operatingSystem];
        this.outputs = defined({
            ...endpointOutputs(settings),
            ipv4,
            ipv6,
            sshCommand: ipv4.apply((address) => sshCommand(settings, user, address)),
            sessionCommand: settings.sessionManager && host ? sessionCommand(lookups.region, host.machine) : undefined,
            sshPrivateKey: access.generatedKey,
            sshHostKey: access.hostKey,
            dnsRecords: dns.records,
            alarmTopics: alarms && pulumi.output(alarms.topics),
            checks: checksOf(settings, { user, ipv4, ipv6, hostKey: access.hostKey }),
        });
        this.registerOutputs(this.outputs);
    }
}

/** The arguments of the machine that come from settings and lookups alone. */
function machineArgs(settings: Settings, lookups: Lookups) {
    const { publicAddress, dataVolumeSize, finalSnapshot, paused, protect } = settings;
    const { ipv6, snapshotId } = lookups;
    return {
        ...instanceArgs(settings, lookups),
        ...{ publicAddress, dataVolumeSize, finalSnapshot, paused, protect, ipv6, snapshotId },
    } satisfies Partial<MachineArgs>;
}

/** The IAM policy that certbot needs for DNS-01 challenges; undefined with another challenge. */
function challengePolicy(settings: Settings, { dns01 }: DnsProvider, zone: Zone | undefined): string | undefined {
    return zone && usesDns01(settings) ? dns01?.policy?.(zone, certificateNames(settings)) : undefined;
}
