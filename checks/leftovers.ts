import { STACK_TAG } from "../components/cloud/stack-tag.ts";

/** A resource of a stack that AWS has and the stack's state lacks. */
export interface Leftover {
    id: string;
    /** The command that deletes it. */
    command: string;
}

/** By the kind in the ARN, in the order in which they can be deleted. The user replaces words in capitals. */
const DELETIONS: Record<string, (id: string) => string> = {
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
        .map((arn) => /([^:/]+)\/([^/]+)$/.exec(arn) ?? [])
        .map(([, kind = "", id = ""]) => ({ kind, id }))
        .filter(({ kind, id }) => kind in DELETIONS && !state.includes(id))
        .sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || a.id.localeCompare(b.id))
        .map(({ kind, id }) => ({ id, command: DELETIONS[kind]!(id) }));
}

/** The values of the tag in a state, one for each proxy of the program. */
export function tagsIn(state: string): string[] {
    const found = state.matchAll(new RegExp(`"${STACK_TAG}": *"([^"]+)"`, "g"));
    return [...new Set([...found].map(([, value]) => value!))];
}
