import { type CloudFunction, optionalText } from "./resource-type.ts";
import { zoneId, zonesOf } from "./zones.ts";

export const getPartition: CloudFunction = {
    inputs: {},
    call({ region }) {
        const [, partition, dnsSuffix] = PARTITIONS.find(([prefix]) => region.startsWith(prefix))!;
        const reverseDnsPrefix = dnsSuffix.split(".").reverse().join(".");
        return { id: partition, partition, dnsSuffix, reverseDnsPrefix };
    },
};

/** How the names of the regions begin. */
const PARTITIONS = [
    ["cn-", "aws-cn", "amazonaws.com.cn"],
    ["us-gov-", "aws-us-gov", "amazonaws.com"],
    ["", "aws", "amazonaws.com"],
] as const;

export const getAvailabilityZones: CloudFunction = {
    inputs: { state: { kind: "string" }, excludeNames: { kind: "strings" } },
    call({ region }, args) {
        const excluded = (args.excludeNames as string[] | undefined) ?? [];
        const isAvailable = (optionalText(args, "state") ?? "available") === "available";
        const names = zonesOf(region).filter((name) => isAvailable && !excluded.includes(name));
        return {
            ...args,
            id: region,
            region,
            names,
            zoneIds: names.map(zoneId),
            groupNames: names.length ? [region] : [],
        };
    },
};
