import type { CloudState, Vpc } from "../../cloud/state.ts";
import type { Values } from "../property-values.ts";
import { canonicalCidr, cidr, contains, parseCidr } from "../../network/cidr.ts";
import { findRouteTable, findSubnet, findVpc } from "./network.ts";
import { ApiError, type ResourceType, derivedId, find, optionalText, text } from "./resource-type.ts";

export const route: ResourceType = {
    label: "EC2 Route",
    inputs: {
        routeTableId: { kind: "string", required: true, forceNew: true },
        destinationCidrBlock: { kind: "string", forceNew: true, invalid: cidr(4), canonical: canonicalCidr },
        destinationIpv6CidrBlock: { kind: "string", forceNew: true, invalid: cidr(6), canonical: canonicalCidr },
        gatewayId: { kind: "string", needed: "the lab routes to internet gateways" },
    },
    outputs: ["origin", "state"],
    check(inputs) {
        const given = ["destinationCidrBlock", "destinationIpv6CidrBlock"].filter((name) => inputs[name] !== undefined);
        if (given.length === 1) return [];
        return [{ property: "", reason: "give one of destinationCidrBlock and destinationIpv6CidrBlock" }];
    },
    create({ state }, inputs) {
        const table = findRouteTable(state, text(inputs, "routeTableId"));
        const destination = destinationOf(inputs);
        const gatewayId = gatewayFor(state, table.vpcId, text(inputs, "gatewayId"));
        refuseLocal(findVpc(state, table.vpcId), destination);
        if (table.routes[destination]) {
            throw new ApiError("RouteAlreadyExists", `The route identified by ${destination} already exists.`);
        }
        table.routes[destination] = gatewayId;
        return routeId(table.id, destination);
    },
    async update(change, _id, news) {
        await change(({ state }) => {
            const table = findRouteTable(state, text(news, "routeTableId"));
            table.routes[destinationOf(news)] = gatewayFor(state, table.vpcId, text(news, "gatewayId"));
        });
    },
    async remove(change, id) {
        await change(({ state }) => {
            const found = findRoute(state, id);
            if (found) delete found.table.routes[found.destination];
        });
    },
    describe({ state }, id) {
        const found = findRoute(state, id);
        return found && { gatewayId: found.table.routes[found.destination]!, origin: "CreateRoute", state: "active" };
    },
};

export const routeTableAssociation: ResourceType = {
    label: "EC2 Route Table Association",
    inputs: {
        subnetId: { kind: "string", needed: "the lab associates subnets", forceNew: true },
        routeTableId: { kind: "string", required: true },
    },
    outputs: [],
    create({ state }, inputs) {
        const subnet = findSubnet(state, text(inputs, "subnetId"));
        if (subnet.routeTableId) {
            throw new ApiError(
                "Resource.AlreadyAssociated",
                `the specified association for route table ${text(inputs, "routeTableId")} conflicts with an existing association`,
            );
        }
        subnet.routeTableId = tableFor(state, subnet.vpcId, text(inputs, "routeTableId"));
        return derivedId("rtbassoc", subnet.id);
    },
    async update(change, _id, news) {
        await change(({ state }) => {
            const subnet = findSubnet(state, text(news, "subnetId"));
            subnet.routeTableId = tableFor(state, subnet.vpcId, text(news, "routeTableId"));
        });
    },
    async remove(change, id) {
        await change(({ state }) => void delete findAssociated(state, id)?.routeTableId);
    },
    describe({ state }, id) {
        const subnet = findAssociated(state, id);
        return subnet && { subnetId: subnet.id, routeTableId: subnet.routeTableId! };
    },
};

function destinationOf(inputs: Values): string {
    return canonicalCidr(optionalText(inputs, "destinationCidrBlock") ?? text(inputs, "destinationIpv6CidrBlock"));
}

/** Refuses a destination within the VPC, which is always routed locally. */
function refuseLocal({ cidrBlock, ipv6CidrBlock }: Vpc, destination: string): void {
    const wanted = parseCidr(destination)!;
    const blocks = [cidrBlock, ipv6CidrBlock ?? ""].map(parseCidr);
    if (!blocks.some((block) => block && contains(block, wanted))) return;
    throw new ApiError(
        "InvalidParameterValue",
        `The destination CIDR block ${destination} is equal to or more specific than one of this VPC's CIDR blocks. ` +
            "This route can target only an interface or an instance.",
    );
}

function routeId(tableId: string, destination: string): string {
    return derivedId(`r-${tableId}`, destination);
}

function findRoute(state: CloudState, id: string) {
    for (const table of Object.values(state.routeTables)) {
        const destination = Object.keys(table.routes).find((key) => routeId(table.id, key) === id);
        if (destination) return { table, destination };
    }
    return undefined;
}

function findAssociated(state: CloudState, id: string) {
    return Object.values(state.subnets).find((item) => item.routeTableId && derivedId("rtbassoc", item.id) === id);
}

function gatewayFor(state: CloudState, vpcId: string, gatewayId: string): string {
    const gateway = find(state.internetGateways, gatewayId, "InvalidGatewayID.NotFound", "gateway");
    if (gateway.vpcId !== vpcId) {
        throw new ApiError(
            "InvalidParameterValue",
            `route table and network gateway ${gatewayId} belong to different networks`,
        );
    }
    return gatewayId;
}

function tableFor(state: CloudState, vpcId: string, tableId: string): string {
    if (findRouteTable(state, tableId).vpcId !== vpcId) {
        throw new ApiError(
            "InvalidParameterValue",
            `route table ${tableId} and the subnet belong to different networks`,
        );
    }
    return tableId;
}
