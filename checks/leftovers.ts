import { STACK_TAG } from "../components/cloud/stack-tag.ts";

/** A resource of a stack that AWS has and the stack's state lacks. */
export interface Leftover {
    id: string;
    /** The command that deletes it. */
    command: string;
}

/**
 * By the kind in the ARN, or by the service if the ARN has none, in the order in which they can be deleted. The user replaces
 * words in capitals.
 */
const DELETIONS: Record<string, (id: string, region: string) => string> = {
    alarm: (id, region) => `aws cloudwatch delete-alarms --region ${region} --alarm-names ${id}`,
    healthcheck: (id) => `aws route53 delete-health-check --health-check-id ${id}`,
    sns: (arn, region) => `aws sns delete-topic --region ${region} --topic-arn ${arn}`,
    listener: (arn, region) => `aws elbv2 delete-listener --region ${region} --listener-arn ${arn}`,
    loadbalancer: (arn, region) => `aws elbv2 delete-load-balancer --region ${region} --load-balancer-arn ${arn}`,
    targetgroup: (arn, region) => `aws elbv2 delete-target-group --region ${region} --target-group-arn ${arn}`,
    certificate: (arn, region) => `aws acm delete-certificate --region ${region} --certificate-arn ${arn}`,
    instance: (id) => `aws ec2 terminate-instances --instance-ids ${id}`,
    policy: (id) => `aws dlm delete-lifecycle-policy --policy-id ${id}`,
    "elastic-ip": (id) => `aws ec2 release-address --allocation-id ${id}`,
    "network-interface": (id) => `aws ec2 delete-network-interface --network-interface-id ${id}`,
    volume: (id) => `aws ec2 delete-volume --volume-id ${id}`,
    "security-group-rule": (id) =>
        `aws ec2 revoke-security-group-ingress --group-id GROUP --security-group-rule-ids ${id} (or -egress)`,
    "security-group": (id) => `aws ec2 delete-security-group --group-id ${id}`,
    subnet: (id) => `aws ec2 delete-subnet --subnet-id ${id}`,
    "route-table": (id) => `aws ec2 delete-route-table --route-table-id ${id}`,
    "internet-gateway": (id) =>
        `aws ec2 detach-internet-gateway --internet-gateway-id ${id} --vpc-id VPC; aws ec2 delete-internet-gateway --internet-gateway-id ${id}`,
    vpc: (id) => `aws ec2 delete-vpc --vpc-id ${id}`,
};

/**
 * The leftovers among the resources with the stack's tag. Snapshots are kept on purpose.
 * @param state as `pulumi stack export` prints it: a resource whose id is anywhere in it is known.
 */
export function leftovers(arns: readonly string[], state: string): Leftover[] {
    const kinds = Object.keys(DELETIONS);
    return arns
        .map(parseArn)
        .filter(({ kind, id }) => kind in DELETIONS && !state.includes(id))
        .sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || a.id.localeCompare(b.id))
        .map(({ kind, id, region }) => ({ id, command: DELETIONS[kind]!(id, region) }));
}

/** The services whose resources have their ARN as id, in commands and in the state. */
const NAMED_BY_ARN = ["acm", "elasticloadbalancing", "sns"];

function parseArn(arn: string): { kind: string; id: string; region: string } {
    const [, service = "", region = "", kind = service, name = ""] =
        /^arn:[^:]*:([^:]*):([^:]*):[^:]*:(?:([^:/]*)[:/])?(.*)$/.exec(arn) ?? [];
    return { kind, id: NAMED_BY_ARN.includes(service) ? arn : name, region };
}

/** The values of the tag in a state, one for each proxy of the program. */
export function tagsIn(state: string): string[] {
    const found = state.matchAll(new RegExp(`"${STACK_TAG}": *"([^"]+)"`, "g"));
    return [...new Set([...found].map(([, value]) => value!))];
}
