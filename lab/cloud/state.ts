import { type BalancerState, noBalancers } from "./balancer-state.ts";
import type { Alarm, Datapoint, HealthCheck } from "./watch-state.ts";

/**
 * The content of the lab's cloud, as plain data in cloud.json in the lab's directory. The aws stand-in changes it and
 * allocates ids and addresses as AWS does. The reconciler makes this machine match it.
 * Ids have AWS's form: vpc-…, subnet-…, eni-…, i-…, vol-… with 17 hex digits.
 */
export interface CloudState extends BalancerState {
    version: 1;
    vpcs: Record<string, Vpc>;
    internetGateways: Record<string, { id: string; vpcId?: string }>;
    /** Only the NAT gateway that exists from the start. */
    natGateways: Record<string, { id: string; publicIp: string }>;
    subnets: Record<string, Subnet>;
    routeTables: Record<string, RouteTable>;
    securityGroups: Record<string, { id: string; vpcId: string; name: string }>;
    securityGroupRules: Record<string, SecurityGroupRule>;
    networkInterfaces: Record<string, NetworkInterface>;
    addresses: Record<string, ElasticAddress>;
    volumes: Record<string, Volume>;
    snapshots: Record<string, Snapshot>;
    instances: Record<string, Instance>;
    /** The time when an instance was terminated, ISO 8601, by its id. */
    terminated: Record<string, string>;
    /** Route 53's records. */
    records: Record<string, DnsRecord>;
    /** Records made by hand at another DNS provider, by name and type. */
    externalRecords: Record<string, DnsRecord>;
    /** By name. */
    roles: Record<string, Role>;
    /** By name. */
    instanceProfiles: Record<string, InstanceProfile>;
    lifecyclePolicies: Record<string, LifecyclePolicy>;
    /** By name. */
    alarms: Record<string, Alarm>;
    /** SNS's topics, by ARN. */
    topics: Record<string, { arn: string; name: string; region: string }>;
    /** By ARN. */
    subscriptions: Record<string, { arn: string; topic: string; endpoint: string }>;
    /** Route 53's health checks. */
    healthChecks: Record<string, HealthCheck>;
    /** The last value of each metric that a machine has reported, which outlives it, by {@link metricKey}. */
    metrics: Record<string, Datapoint>;
    /** The ids of the bastion, the operator's machine. Its objects are in the other maps, but not the program's. */
    bastion?: { instanceId: string; networkInterfaceId: string; allocationId: string; securityGroupId: string };
    /** Tags by id, including the provider's default tags. */
    tags?: Record<string, Record<string, string>>;
}

export interface Vpc {
    id: string;
    cidrBlock: string;
    /** A /56 of the lab's pool, if the VPC asked for one. */
    ipv6CidrBlock?: string;
}

export interface Subnet {
    id: string;
    vpcId: string;
    cidrBlock: string;
    ipv6CidrBlock?: string;
    /** Interfaces in it get an IPv6 address by default. */
    assignIpv6AddressOnCreation?: true;
    /** Machines launched in it get an automatic public address by default. */
    mapPublicIpOnLaunch?: true;
    availabilityZone: string;
    /** The associated route table. If absent, the VPC's main table, which has only local routes. */
    routeTableId?: string;
}

export interface RouteTable {
    id: string;
    vpcId: string;
    /**
     * Destination CIDR to the id of an internet gateway, a NAT gateway, or (only for the outer machine) a VPN gateway.
     * A subnet without a default route to a gateway reaches nothing outside its VPC.
     */
    routes: Record<string, string>;
}

export interface SecurityGroupRule {
    id: string;
    groupId: string;
    direction: "ingress" | "egress";
    /** "tcp", "udp", "icmp", "icmpv6" or "-1" for all. */
    ipProtocol: string;
    /** Inclusive. For icmp and icmpv6 the type (fromPort) and code (toPort), -1 for any. Absent for "-1". */
    fromPort?: number;
    toPort?: number;
    /** A rule has one of these three. */
    cidrIpv4?: string;
    cidrIpv6?: string;
    /** The interfaces in this group, by their private addresses. */
    referencedSecurityGroupId?: string;
}

export interface NetworkInterface {
    id: string;
    subnetId: string;
    macAddress: string;
    privateIp: string;
    ipv6Addresses: string[];
    securityGroupIds: string[];
    /** The automatic public address. It has one only while its machine runs. */
    publicIp?: string;
    /** The launch of its machine has made it, and the machine's termination deletes it. */
    launched?: { isPublic: boolean; formerPublicIp?: string };
}

export interface ElasticAddress {
    /** eipalloc-… */
    allocationId: string;
    publicIp: string;
    association?: { id: string; networkInterfaceId: string };
}

export interface Volume {
    id: string;
    sizeGiB: number;
    availabilityZone: string;
    /** The instance that it is attached to, which sees it as /dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123… */
    attachment?: { instanceId: string; deviceName: string };
    encrypted?: boolean;
    /** The snapshot that it was made from, which may be gone. */
    snapshotId?: string;
}

/** A copy of a volume at one moment. It outlives the volume. */
export interface Snapshot {
    /** snap-… */
    id: string;
    volumeId: string;
    /** The volume's size at that moment. */
    sizeGiB: number;
    /** ISO 8601. */
    startTime: string;
    description: string;
    encrypted: boolean;
}

export interface Instance {
    id: string;
    /** An image of {@link IMAGES}. */
    imageId: string;
    instanceType: string;
    networkInterfaceId: string;
    /** cloud-init user data, clear text. */
    userData: string;
    /** "stopped" keeps the root disk. */
    desired: "running" | "stopped";
    rootSizeGiB: number;
    /** Only for a burstable type. */
    cpuCredits?: string;
    /** The name of the instance profile, which may be gone. */
    iamInstanceProfile?: string;
    /** Options of the instance metadata service. If absent, the defaults: enabled, and tokens required. */
    metadata?: { endpoint: "enabled" | "disabled"; tokens: "optional" | "required" };
}

export interface DnsRecord {
    /** Fully qualified, lower case, no final dot. */
    name: string;
    type: "A" | "AAAA" | "TXT" | "CAA" | "CNAME";
    ttl: number;
    values: string[];
}

export interface Role {
    name: string;
    arn: string;
    /** The policy document that says who may assume the role, as JSON. */
    trust: string;
    /** ARNs of the attached policies. */
    policies: string[];
    /** Inline policy documents by name, as JSON. */
    inlinePolicies?: Record<string, string>;
    createdAt: string;
}

/** Gives a role to a machine. */
export interface InstanceProfile {
    name: string;
    arn: string;
    /** The role's name. */
    role?: string;
    createdAt: string;
}

/** A policy of AWS's Data Lifecycle Manager: the volumes to take snapshots of, and how many to keep. */
export interface LifecyclePolicy {
    /** policy-… */
    id: string;
    description: string;
    executionRoleArn: string;
    state: "ENABLED" | "DISABLED";
    /** A volume with one of these tags is a target. */
    targetTags: Record<string, string>;
    schedules: LifecycleSchedule[];
}

export interface LifecycleSchedule {
    name: string;
    /** How many snapshots of each volume to keep. */
    retain: number;
    copyTags: boolean;
    tagsToAdd: Record<string, string>;
}

export function emptyCloud(): CloudState {
    return {
        version: 1,
        vpcs: {},
        internetGateways: {},
        natGateways: {},
        subnets: {},
        routeTables: {},
        securityGroups: {},
        securityGroupRules: {},
        networkInterfaces: {},
        addresses: {},
        volumes: {},
        snapshots: {},
        instances: {},
        terminated: {},
        records: {},
        externalRecords: {},
        roles: {},
        instanceProfiles: {},
        lifecyclePolicies: {},
        alarms: {},
        topics: {},
        subscriptions: {},
        healthChecks: {},
        metrics: {},
        ...noBalancers(),
    };
}

/** The public address of an interface: the elastic one, or the automatic one. */
export function publicIpOf(state: CloudState, { id, publicIp }: NetworkInterface): string | undefined {
    const elastic = Object.values(state.addresses).find(({ association }) => association?.networkInterfaceId === id);
    return elastic?.publicIp ?? publicIp;
}

/** The program's machines. */
export function programInstances(state: CloudState): Instance[] {
    return Object.values(state.instances).filter(({ id }) => id !== state.bastion?.instanceId);
}

/** The program's one machine. */
export function programInstance(state: CloudState): Instance | undefined {
    return programInstances(state)[0];
}

/** The AWS account of the lab. */
export const ACCOUNT = "000000000000";

/** The lab's hosted zone. */
export const ZONE_ID = "Z0LABEXAMPLETEST";
