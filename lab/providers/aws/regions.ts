import type { CloudFunction } from "./resource-type.ts";

export const getPartition: CloudFunction = {
    inputs: {},
    call({ region }) {
        const [, partition, dnsSuffix] = PARTITIONS.find(([prefix]) => region.startsWith(prefix))!;
        const reverseDnsPrefix = dnsSuffix.split(".").reverse().join(".");
        return { id: partition, partition, dnsSuffix, reverseDnsPrefix };
    },
};

export const getRegion: CloudFunction = {
    inputs: {},
    call: ({ region }) => ({
        ...{ id: region, name: region, region },
        description: `The lab's region (${region})`,
        endpoint: `ec2.${region}.amazonaws.com`,
    }),
};

/** How the names of the regions begin. */
const PARTITIONS = [
    ["cn-", "aws-cn", "amazonaws.com.cn"],
    ["us-gov-", "aws-us-gov", "amazonaws.com"],
    ["", "aws", "amazonaws.com"],
] as const;
