/** The load balancers and certificates of the lab's cloud, as plain data in the {@link CloudState}. All by ARN. */
export interface BalancerState {
    loadBalancers: Record<string, LoadBalancer>;
    targetGroups: Record<string, TargetGroup>;
    listeners: Record<string, Listener>;
    /** Certificate Manager's certificates. */
    certificates: Record<string, Certificate>;
}

/** A Network Load Balancer. */
export interface LoadBalancer {
    arn: string;
    name: string;
    vpcId: string;
    internal: boolean;
    ipAddressType: "ipv4" | "dualstack";
    securityGroupIds: string[];
    isCrossZone: boolean;
    isProtected: boolean;
    /** Its interfaces, one a subnet. As on AWS, each zone has a node of its own there. */
    zones: { subnetId: string; networkInterfaceId: string; allocationId?: string }[];
}

export interface TargetGroup {
    arn: string;
    name: string;
    vpcId: string;
    protocol: "TCP" | "TLS";
    port: number;
    sendsProxyHeader: boolean;
    /** Seconds in which a target that is taken out keeps its sessions. */
    deregistrationDelay: number;
    /** Whether they end then. Otherwise they go on for as long as client and target want. */
    endsDeregistered: boolean;
    /** Whether sessions of a target end when it is unhealthy. */
    endsUnhealthy: boolean;
    healthCheck: TargetHealthCheck;
    targets: { instanceId: string; port: number }[];
}

export interface TargetHealthCheck {
    protocol: "HTTP" | "HTTPS" | "TCP";
    /** Undefined for the port of each target. */
    port?: number;
    path?: string;
    /** Codes and ranges of codes, as "200,202" and "200-399". */
    matcher?: string;
    interval: number;
    timeout: number;
    healthyThreshold: number;
    unhealthyThreshold: number;
}

export interface Listener {
    arn: string;
    loadBalancerArn: string;
    targetGroupArn: string;
    protocol: "TCP" | "TLS";
    port: number;
    certificateArn?: string;
    sslPolicy?: string;
    alpnPolicy?: string;
    idleSeconds: number;
}

export interface Certificate {
    arn: string;
    /** The names, the domain name first. */
    names: string[];
    /** As in Certificate Manager's API: "RSA_2048", "EC_prime256v1". */
    keyAlgorithm: string;
    /** ISO 8601. Undefined until the names are validated. */
    issuedAt?: string;
    /** What was imported, PEM. Undefined if Certificate Manager issues the certificate itself. */
    imported?: { body: string; privateKey: string; chain?: string };
}

export function noBalancers(): BalancerState {
    return { loadBalancers: {}, targetGroups: {}, listeners: {}, certificates: {} };
}

/** The load balancer that an interface belongs to. */
export function balancerOf({ loadBalancers }: BalancerState, interfaceId: string | undefined): string | undefined {
    const owns = ({ zones }: LoadBalancer) => zones.some((zone) => zone.networkInterfaceId === interfaceId);
    return Object.values(loadBalancers).find(owns)?.arn;
}
