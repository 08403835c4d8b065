import { ACCOUNT, type CloudState, type RouteTable } from "../../cloud/state.ts";
import type { Values } from "../property-values.ts";
import { single } from "./lookup-results.ts";
import { filters, fits } from "./filters.ts";
import { type CloudFunction, derivedId, optionalText } from "./resource-type.ts";

/** The error of aws_route_table. */
const NONE = "query returned no results. Please change your search criteria and try again";

export const getRouteTable: CloudFunction = {
    inputs: {
        routeTableId: { kind: "string" },
        subnetId: { kind: "string" },
        vpcId: { kind: "string" },
        filters,
    },
    call({ region, state }, args) {
        const { id, vpcId, routes } = single("Route Table", matching(state, args), NONE);
        const routed = ([cidr, target]: [string, string]) => ({
            cidrBlock: cidr.includes(":") ? "" : cidr,
            ipv6CidrBlock: cidr.includes(":") ? cidr : "",
            gatewayId: target.startsWith("nat-") ? "" : target,
            natGatewayId: target.startsWith("nat-") ? target : "",
        });
        return {
            ...args,
            id,
            routeTableId: id,
            vpcId,
            region,
            routes: Object.entries(routes).map(routed),
            ownerId: ACCOUNT,
            tags: {},
        };
    },
};

export const getRouteTables: CloudFunction = {
    inputs: { vpcId: { kind: "string" }, filters },
    call({ region, state }, args) {
        return { ...args, id: region, region, ids: matching(state, args).map(({ id }) => id), tags: {} };
    },
};

/** Matching route tables, including each VPC's main table, which has only local routes in the lab. */
function matching(state: CloudState, args: Values): RouteTable[] {
    const mains = Object.keys(state.vpcs).map((vpcId) => ({ id: derivedId("rtb", vpcId), vpcId, routes: {} }));
    const subnetId = optionalText(args, "subnetId");
    const exact = Object.entries({ id: args.routeTableId, vpcId: args.vpcId }).filter(([, value]) => value);
    return [...Object.values(state.routeTables), ...mains].filter((table) => {
        const subnets = Object.values(state.subnets).filter(({ routeTableId }) => routeTableId === table.id);
        const attributes = {
            "route-table-id": table.id,
            "vpc-id": table.vpcId,
            "association.main": String(mains.some(({ id }) => id === table.id)),
        };
        return (
            exact.every(([name, value]) => table[name as "id" | "vpcId"] === value) &&
            (subnetId === undefined || subnets.some(({ id }) => id === subnetId)) &&
            // A table can have several subnets. One of them has to match.
            (subnets.length > 0 ? subnets.map(({ id }) => id) : [""]).some((id) =>
                fits(state, table.id, { ...attributes, "association.subnet-id": id }, args),
            )
        );
    });
}
