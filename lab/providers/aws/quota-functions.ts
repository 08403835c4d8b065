import { ACCOUNT } from "../../cloud/state.ts";
import { MOST_NAMES } from "./certificate.ts";
import { filters, fits } from "./filters.ts";
import { QUOTAS } from "./quotas.ts";
import { ApiError, type CloudFunction, text } from "./resource-type.ts";

/** Quotas by service and code, as in Service Quotas. */
const SERVICE_QUOTAS: Record<string, { name: string; most: number } | undefined> = {
    "vpc/L-0EA8095F": { name: "Inbound or outbound rules per security group", most: QUOTAS.groupRules.most },
    "ec2/L-0263D0A3": { name: "EC2-VPC Elastic IPs", most: QUOTAS.addresses.most },
    "acm/L-FB94F0B0": { name: "Domain names per ACM certificate", most: MOST_NAMES },
};

export const getServiceQuota: CloudFunction = {
    inputs: {
        serviceCode: { kind: "string", required: true },
        quotaCode: { kind: "string" },
    },
    call({ region }, args) {
        const [serviceCode, quotaCode] = [text(args, "serviceCode"), text(args, "quotaCode")];
        const quota = SERVICE_QUOTAS[`${serviceCode}/${quotaCode}`];
        if (!quota) {
            throw new ApiError("NoSuchResourceException", `the lab knows ${Object.keys(SERVICE_QUOTAS).join(", ")}`);
        }
        const arn = `arn:aws:servicequotas:${region}:${ACCOUNT}:${serviceCode}/${quotaCode}`;
        return {
            ...{ id: arn, arn, region, serviceCode, quotaCode, quotaName: quota.name },
            ...{ value: quota.most, defaultValue: quota.most, adjustable: true, globalQuota: false },
        };
    },
};

export const getEips: CloudFunction = {
    inputs: { filters, tags: { kind: "tags" } },
    call({ state, region }, args) {
        const found = Object.values(state.addresses).filter(({ allocationId: id, publicIp }) =>
            fits(state, id, { "allocation-id": id, "public-ip": publicIp }, args),
        );
        return {
            ...args,
            id: region,
            region,
            allocationIds: found.map(({ allocationId }) => allocationId),
            publicIps: found.map(({ publicIp }) => publicIp),
        };
    },
};
