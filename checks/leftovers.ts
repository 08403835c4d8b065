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
const DELETIONS: Record<string, (id: string) => string> = {
    alarm: (id) => `aws cloudwatch delete-alarms --alarm-names ${id}`,
    healthcheck: (id) => `aws route53 delete-health-check --health-check-id ${id}`,
    sns: (arn) => `aws sns delete-topic --topic-arn ${arn}`,
    listener: (arn) => `aws elbv2 delete-listener --listener-arn ${arn}`,
    loadbalancer: (arn) => `aws elbv2 delete-load-balancer --load-balancer-arn ${arn}`,
    targetgroup: (arn) => `aws elbv2 delete-target-group --target-group-arn ${arn}`,
    certificate: (arn) => `aws acm delete-certificate --certificate-arn ${arn}`,
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
        .map(({ kind, id, region }) => ({ id, command: inRegion(DELETIONS[kind]!(id), region) }));
}

/** Whatever region the AWS CLI is set up for. The ARN of what is of no region has none. */
const inRegion = (command: string, region: string) =>
    region === "" ? command : command.replace(/\baws \S+ \S+/g, `$& --region ${region}`);

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
