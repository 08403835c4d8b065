import type { Lab } from "../lab.ts";
import { type CloudState, emptyCloud } from "./state.ts";

/**
 * A network that exists in every lab's cloud from the start, for settings that name an existing network. Only the parts
 * that a machine uses are made on this machine.
 */
export const EXISTING_VPC = "vpc-0e0e0";
/** Public, with IPv4 and IPv6. */
export const EXISTING_SUBNET_DUAL = "subnet-0d0a1";
/** Public, with IPv4 only. */
export const EXISTING_SUBNET_IPV4 = "subnet-0400";

/** Private, with IPv4 only: a NAT gateway leads out, and a VPN leads in from the outer machine. */
export const EXISTING_SUBNET_PRIVATE = "subnet-0b00";
/** Like the first, in another availability zone. */
export const EXISTING_SUBNET_OTHER_ZONE = "subnet-0d0b1";

const GATEWAY = "igw-0e0e0";
const NAT_GATEWAY = "nat-0e0e0";
const VPN_GATEWAY = "vgw-0e0e0";
const ROUTES = "rtb-0e0e0";
const PRIVATE_ROUTES = "rtb-0b00";
const ZONE = "eu-central-1a";
/** The last of the pool, because new VPCs take the first free number. */
const VPC_NUMBER = 31;
/** The last but one, because new addresses take the first free number. The last is the bastion's. */
const NAT_ADDRESS_NUMBER = 253;

/** A cloud in which no program has run. */
export function newCloud(lab: Lab): CloudState {
    const state = emptyCloud();
    addExistingNetwork(state, lab);
    return state;
}

/** Adds the network to a state without it. */
export function addExistingNetwork(state: CloudState, lab: Lab): void {
    if (state.vpcs[EXISTING_VPC]) return;
    const { net } = lab;
    const ipv6CidrBlock = net.vpcIpv6Cidr(VPC_NUMBER);
    const block = (first: number, length: number) => net.existingCidr.replace("0/24", `${first}/${length}`);
    const inVpc = { vpcId: EXISTING_VPC, availabilityZone: ZONE, routeTableId: ROUTES };
    state.vpcs[EXISTING_VPC] = { id: EXISTING_VPC, cidrBlock: net.existingCidr, ipv6CidrBlock };
    state.internetGateways[GATEWAY] = { id: GATEWAY, vpcId: EXISTING_VPC };
    state.natGateways[NAT_GATEWAY] = { id: NAT_GATEWAY, publicIp: net.elasticAddress(NAT_ADDRESS_NUMBER) };
    state.routeTables[ROUTES] = {
        id: ROUTES,
        vpcId: EXISTING_VPC,
        routes: { "0.0.0.0/0": GATEWAY, "::/0": GATEWAY },
    };
    state.routeTables[PRIVATE_ROUTES] = {
        id: PRIVATE_ROUTES,
        vpcId: EXISTING_VPC,
        routes: { "0.0.0.0/0": NAT_GATEWAY, [`${net.outer}/32`]: VPN_GATEWAY },
    };
    state.subnets[EXISTING_SUBNET_DUAL] = {
        ...inVpc,
        id: EXISTING_SUBNET_DUAL,
        cidrBlock: block(0, 26),
        ipv6CidrBlock: ipv6CidrBlock.replace("/56", "/64"),
    };
    state.subnets[EXISTING_SUBNET_OTHER_ZONE] = {
        ...inVpc,
        id: EXISTING_SUBNET_OTHER_ZONE,
        cidrBlock: block(192, 26),
        ipv6CidrBlock: ipv6CidrBlock.replace("00::/56", "01::/64"),
        availabilityZone: "eu-central-1b",
    };
    state.subnets[EXISTING_SUBNET_IPV4] = { ...inVpc, id: EXISTING_SUBNET_IPV4, cidrBlock: block(64, 26) };
    state.subnets[EXISTING_SUBNET_PRIVATE] = {
        ...inVpc,
        id: EXISTING_SUBNET_PRIVATE,
        cidrBlock: block(128, 26),
        routeTableId: PRIVATE_ROUTES,
    };
}
