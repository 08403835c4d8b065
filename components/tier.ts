import * as pulumi from "@pulumi/pulumi";
import { checksOf } from "./checks.ts";
import { BalancerAddresses, addressesName } from "./cloud/balancer-addresses.ts";
import { Balancer } from "./cloud/balancer.ts";
import { announceRecords } from "./cloud/dns/announce.ts";
import { caaOf } from "./cloud/dns/caa.ts";
import { Dns } from "./cloud/dns/dns.ts";
import { DNS_PROVIDERS } from "./cloud/dns/providers.ts";
import { sessionPolicy } from "./cloud/instance-rights.ts";
import { InstanceRole } from "./cloud/instance-role.ts";
import { instanceArgs } from "./cloud/instance.ts";
import { KeptVolume } from "./cloud/kept-volume.ts";
import type { Lookups } from "./cloud/lookups/lookups.ts";
import { joinZones, placesOf } from "./cloud/network.ts";
import { Node } from "./cloud/node.ts";
import { SecurityGroup } from "./cloud/security-group.ts";
import { TierCertificate } from "./cloud/tier-certificate.ts";
import { defined } from "./defined.ts";
import { publicNames } from "./endpoints.ts";
import { type Access, bastionOf, createAccess, sessionCommand, sshCommand } from "./host/access.ts";
import type { HostContext } from "./host/context.ts";
import { SshHost } from "./host/ssh-host.ts";
import { setUp } from "./host/steps.ts";
import { listeners, openPorts } from "./listeners.ts";
import { OPERATING_SYSTEM_FACTS } from "./operating-systems.ts";
import { endpointOutputs, type Outputs } from "./outputs.ts";
import { Protection } from "./protection.ts";
import type { Settings } from "./settings/settings.ts";

interface TierArgs {
    settings: Settings;
    lookups: Lookups;
    /** "project/stack/name". */
    owner: string;
    tags: Readonly<Record<string, string>>;
}

const MISSING_RECORDS =
    "dns is external: these records lead clients to the load balancer. Create them, or change those of one machine, when the first node is set up:";

/**
 * Several machines behind a load balancer, from the same parts as one machine. What only a tier has is named after the tier, so
 * that it can exist beside one machine until that is deleted.
 */
export function createTier(name: string, args: TierArgs, parent: pulumi.Resource): Outputs {
    const { settings, lookups, owner, tags } = args;
    const child = { parent };
    const { zone, ipv6 } = lookups;
    const provider = DNS_PROVIDERS[settings.dns];
    const { protect } = settings;

    const network = joinZones(`${name}-tier-network`, args, child);
    const { vpcId, subnets } = network;
    const ports = openPorts(settings);
    const front = new SecurityGroup(`${name}-lb-security`, { vpcId, ports, sshAllowedCidrs: [], ipv6, tags }, child);
    const group = new SecurityGroup(
        `${name}-nodes-security`,
        { vpcId, ports, fromGroup: front.id, sshAllowedCidrs: settings.sshAllowedCidrs, ipv6, tags },
        child,
    );
    const addresses = new BalancerAddresses(
        addressesName(name),
        { owner, subnets, ipv6, network: network.routes, protect, tags },
        child,
    );
    const dns = new Dns(
        `${name}-dns`,
        {
            ...{ provider, zone, ipv4: addresses.ipv4, ipv6: addresses.ipv6 },
            names: publicNames(settings),
            caa: caaOf(settings, zone),
            allowOverwrite: settings.dnsAllowOverwrite,
        },
        child,
    );
    const certificate = new TierCertificate(
        `${name}-certificate`,
        { settings, provider, zone, caa: dns.caa, tags },
        child,
    );
    const balancer = new Balancer(
        `${name}-lb`,
        {
            ...{ vpcId, subnets, addresses, protect, tags },
            securityGroupId: front.id,
            listeners: listeners(settings),
            certificateArn: certificate.arn,
            network: [...network.routes, ...front.rules],
            drainSeconds: settings.drainSeconds,
            hooks: zone ? [] : announceRecords(`${name}-dns`, MISSING_RECORDS, dns.records, parent),
        },
        child,
    );
    const { keptVolumes = [], availabilityZone } = lookups;
    if (keptVolumes.length > 0) new KeptVolume(name, { found: keptVolumes, availabilityZone, protect }, child);
    const access = createAccess(name, settings, child);
    const role = new InstanceRole(`${name}-instance`, { policies: { session: sessionPolicy(settings) }, tags }, child);
    const places = placesOf(subnets, lookups, settings);
    const nodes = Array.from({ length: settings.paused ? 0 : settings.nodes }, (_, index) => {
        const title = `node-${index + 1}`;
        const node = new Node(
            `${name}-${title}`,
            {
                ...instanceArgs(settings, lookups),
                subnetId: places.apply((ids) => ids[index % ids.length]!),
                securityGroupIds: [group.id],
                ipv6,
                instanceProfile: role.instanceProfile,
                userData: access.userData,
                network: [...network.routes, ...group.rules],
                tags,
            },
            child,
        );
        return { name: `${name}-${title}`, title, node };
    });
    const lastSteps = roll(nodes, {
        ...{ settings, access, balancer, parent },
        dependsOn: role.resources,
        context: {
            ...{ settings, owner, zone, records: dns.records, dns01: undefined, region: lookups.region },
            balancer: { cidrs: subnets.map(({ ipv4Block }) => ipv4Block), drainSeconds: settings.drainSeconds },
        },
    });
    // While one machine serves the names, it does so until a node can.
    dns.publish(lastSteps.slice(0, 1));
    new Protection(
        `${name}-setting-protect`,
        {
            settings,
            resources: [
                ...[network.own, front, group, addresses, dns, certificate, balancer, ...access.resources, role],
                ...[...nodes.map(({ node }) => node), ...lastSteps],
            ].filter((resource) => resource !== undefined),
        },
        child,
    );
    return outputsOf({ settings, lookups, access, addresses, nodes: nodes.map(({ node }) => node), dns, certificate });
}

interface NamedNode {
    /** The prefix of its resources' names. */
    name: string;
    /** As "node-2", in messages. */
    title: string;
    node: Node;
}

interface Roll {
    settings: Settings;
    access: Access;
    balancer: Balancer;
    /** What must exist before the first step of any node. */
    dependsOn: readonly pulumi.Resource[];
    context: Omit<HostContext, "host">;
    parent: pulumi.Resource;
}

/**
 * Sets up the nodes, one after the other: a step that fails on one leaves the others as they are. A node gets connections
 * once it is healthy, so it becomes a target before its last step, which waits for that.
 * @returns the last step of each node
 */
function roll(nodes: readonly NamedNode[], args: Roll): readonly pulumi.Resource[] {
    const lastSteps: pulumi.Resource[] = [];
    for (const { name, title, node } of nodes) {
        const targets = args.balancer.add(name, node.instance.id, node);
        const ssh = new SshHost(name, args.parent, {
            ...{ host: node.host, node: title },
            privateKey: args.access.privateKey,
            hostKey: args.access.hostKey,
            bastion: bastionOf(args.settings),
            dependsOn: [...args.dependsOn, ...targets, ...lastSteps.slice(-1)],
        });
        setUp(ssh, { ...args.context, host: node.host });
        if (ssh.lastStep) lastSteps.push(ssh.lastStep);
    }
    return lastSteps;
}

interface Made {
    settings: Settings;
    lookups: Lookups;
    access: Access;
    addresses: BalancerAddresses;
    nodes: readonly Node[];
    dns: Dns;
    certificate: TierCertificate;
}

function outputsOf({ settings, lookups, access, addresses, nodes, dns, certificate }: Made): Outputs {
    const { user } = OPERATING_SYSTEM_FACTS[lookups.operatingSystem];
    const { ipv4, ipv6 } = addresses;
    const hosts = pulumi.output(nodes.map(({ host }) => host.ipv4));
    const sshCommands = hosts.apply((all) => all.map((address) => sshCommand(settings, user, address)));
    const { hostKey } = access;
    return defined({
        ...endpointOutputs(settings),
        ipv4: ipv4[0]!,
        ipv6: ipv6?.[0],
        ipv4Addresses: pulumi.output([...ipv4]),
        ipv6Addresses: ipv6 && pulumi.output([...ipv6]),
        sshCommand: sshCommands.apply(([first = ""]) => first),
        sshCommands,
        sessionCommands: settings.sessionManager
            ? pulumi.all(nodes.map(({ instance }) => sessionCommand(lookups.region, instance)))
            : undefined,
        sshPrivateKey: access.generatedKey,
        sshHostKey: hostKey,
        dnsRecords: pulumi.all([dns.records, certificate.records]).apply((all) => all.flat()),
        checks: checksOf(settings, { user, ipv4: ipv4[0]!, ipv6: ipv6?.[0], hostKey, tier: { ipv4, ipv6, hosts } }),
    });
}
