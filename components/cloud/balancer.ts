import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { HEALTH_PATH } from "../health.ts";
import { LISTENERS, type Listener } from "../listeners.ts";
import type { BalancerAddresses, BalancerSubnet } from "./balancer-addresses.ts";

export interface BalancerArgs {
    vpcId: pulumi.Input<string>;
    /** One in each availability zone. */
    subnets: readonly BalancerSubnet[];
    /** One of each family in each subnet. */
    addresses: BalancerAddresses;
    securityGroupId: pulumi.Input<string>;
    listeners: readonly Listener[];
    /** For the listener that ends TLS. */
    certificateArn: pulumi.Input<string>;
    /** What must exist before an address works: internet gateway, routes, rules of the security group. */
    network: pulumi.Resource[];
    /** How long a node that is taken out keeps the connections that it has, in seconds. */
    drainSeconds: number;
    /** To run before the load balancer is created. Default: none. */
    hooks?: pulumi.ResourceHook[];
    /** Refuse to delete or replace the load balancer. */
    protect: boolean;
    /** For everything that can be tagged, besides Name. Default: none. */
    tags?: Readonly<Record<string, string>>;
}

/** Seconds between two health checks of a node. Two that fail and a reconnect fit into a minute. */
const INTERVAL = 10;
/** How many answers in a row change what the load balancer thinks of a node. AWS allows no fewer. */
const THRESHOLD = 2;
/** Seconds for an answer. */
const TIMEOUT = 6;

/** TLS 1.2 and 1.3 with forward secrecy and AES-GCM, and post-quantum key exchange as OpenSSL has it: what nginx offers, too. */
const TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09";

/** The most that AWS allows for TCP. That of TLS is 350 and cannot be changed. */
const IDLE_SECONDS = 6000;

/**
 * The load balancer in front of several machines: a Network Load Balancer that ends TLS of https and passes gRPC on. It cuts the
 * connections of a node that fails two checks, so that their clients connect again to another. About $16 a month, and more for
 * capacity units.
 */
export class Balancer extends pulumi.ComponentResource {
    /** What must exist before clients reach a node. */
    readonly ready: pulumi.Resource[];
    private readonly groups: readonly { listener: Listener; group: aws.lb.TargetGroup }[];

    constructor(name: string, args: BalancerArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:Balancer", name, {}, opts);
        const own = { name, args, tags: { ...args.tags, Name: name }, parent: this };
        const balancer = createBalancer(own);
        this.groups = args.listeners.map((listener) => ({ listener, group: createGroup(own, listener) }));
        this.ready = this.groups.map(({ listener, group }) => listen(own, balancer, listener, group));
        this.registerOutputs({ arn: balancer.arn });
    }

    /** Sends connections of every listener to a machine once it is healthy. The names begin with that of the node. */
    add(node: string, instanceId: pulumi.Input<string>, parent: pulumi.Resource): pulumi.Resource[] {
        return this.groups.map(
            ({ listener, group }) =>
                new aws.lb.TargetGroupAttachment(
                    `${node}-${listener.name}`,
                    { targetGroupArn: group.arn, targetId: instanceId, port: listener.port },
                    { parent, dependsOn: this.ready },
                ),
        );
    }
}

interface BalancerParts {
    readonly name: string;
    readonly args: BalancerArgs;
    readonly tags: Readonly<Record<string, string>>;
    readonly parent: pulumi.Resource;
}

function createBalancer({ name, args, tags, parent }: BalancerParts) {
    const { ipv4, ipv6, allocationIds } = args.addresses;
    const subnetMappings = ipv4.map((_, index) => ({
        subnetId: args.subnets[index]!.id,
        allocationId: allocationIds[index]!,
        ipv6Address: ipv6?.[index],
    }));
    return new aws.lb.LoadBalancer(
        `${name}-front`,
        {
            loadBalancerType: "network",
            internal: false,
            ipAddressType: ipv6 ? "dualstack" : "ipv4",
            subnetMappings,
            securityGroups: [args.securityGroupId],
            // Clients keep the address that they have resolved, also if all nodes of its zone are out.
            enableCrossZoneLoadBalancing: true,
            enableDeletionProtection: args.protect,
            tags,
        },
        {
            parent,
            protect: args.protect,
            // The provider never reads the IPv6 addresses back, so it would set the mappings in every update
            // (https://github.com/hashicorp/terraform-provider-aws/issues/49531), and replace the load balancer for one more.
            // Other mappings are a new load balancer.
            ignoreChanges: ["subnetMappings", "subnets"],
            replacementTrigger: pulumi.jsonStringify(subnetMappings),
            // An address can be only one load balancer's.
            deleteBeforeReplace: true,
            dependsOn: args.network,
            hooks: { beforeCreate: args.hooks ?? [] },
        },
    );
}

function createGroup({ name, args, tags, parent }: BalancerParts, listener: Listener) {
    return new aws.lb.TargetGroup(
        `${name}-${listener.name}`,
        {
            vpcId: args.vpcId,
            targetType: "instance",
            port: listener.port,
            // nginx speaks TLS on its port 443 in any case. The load balancer does not check the certificate.
            protocol: protocolOf(listener),
            // The client's own address cannot be kept for IPv6 clients of nodes that are reached over IPv4, so nginx takes
            // that of the PROXY header in both families.
            preserveClientIp: "false",
            proxyProtocolV2: true,
            // A node that is taken out gets no new connection. After as long as a drain takes the others end, so that none
            // hangs until its client notices.
            deregistrationDelay: args.drainSeconds,
            connectionTermination: true,
            healthCheck: {
                protocol: "HTTPS",
                port: String(LISTENERS.https.port),
                path: HEALTH_PATH,
                matcher: "200",
                interval: INTERVAL,
                timeout: TIMEOUT,
                healthyThreshold: THRESHOLD,
                unhealthyThreshold: THRESHOLD,
            },
            tags: { ...tags, Name: `${name}-${listener.name}` },
        },
        { parent },
    );
}

function listen(
    { name, args, tags, parent }: BalancerParts,
    balancer: aws.lb.LoadBalancer,
    listener: Listener,
    group: aws.lb.TargetGroup,
) {
    const protocol = protocolOf(listener);
    return new aws.lb.Listener(
        `${name}-${listener.name}-listener`,
        {
            loadBalancerArn: balancer.arn,
            port: listener.port,
            protocol,
            ...(protocol === "TLS"
                ? { certificateArn: args.certificateArn, sslPolicy: TLS_POLICY }
                : { tcpIdleTimeoutSeconds: IDLE_SECONDS }),
            defaultActions: [{ type: "forward", targetGroupArn: group.arn }],
            tags: { ...tags, Name: `${name}-${listener.name}` },
        },
        { parent },
    );
}

/** Without ALPN, so that clients speak HTTP/1.1, as OpAMP has to. */
const protocolOf = ({ tls }: Listener) => (tls === "terminated" ? "TLS" : "TCP");
