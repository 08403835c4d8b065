import type { CloudState, SecurityGroupRule } from "../../cloud/state.ts";
import type { CheckFailure } from "../provider.ts";
import { type Value, type Values, asText, isUnknown } from "../property-values.ts";
import { canonicalCidr, cidr } from "../../network/cidr.ts";
import { findVpc } from "./network.ts";
import { refuseBeyond } from "./quotas.ts";
import {
    ApiError,
    type Cloud,
    type ResourceType,
    arn,
    find,
    generatedName,
    newId,
    optionalText,
    text,
} from "./resource-type.ts";
import type { Schema } from "./schema.ts";

const CHARACTERS = /^[a-zA-Z0-9 ._\-:/()#,@[\]+=&;{}!$*]*$/;
const SET = "a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*";
const ALLOWED = `Only these characters are allowed: ${SET}`;

export const securityGroup: ResourceType = {
    label: "EC2 Security Group",
    inputs: {
        name: { kind: "string", computed: true, forceNew: true, invalid: atMost255 },
        description: { kind: "string", default: "Managed by Pulumi", forceNew: true, invalid: atMost255 },
        vpcId: { kind: "string", needed: "the lab has no default VPC", forceNew: true },
        revokeRulesOnDelete: { kind: "boolean", default: false },
        tags: { kind: "tags" },
    },
    outputs: ["arn", "ownerId", "region", "namePrefix"],
    defaults: (inputs, naming): Values => (inputs.name === undefined ? { name: generatedName(naming) } : {}),
    create({ state }, inputs) {
        const id = newId("sg");
        const vpcId = findVpc(state, text(inputs, "vpcId")).id;
        const name = text(inputs, "name");
        refuseGroup(name, text(inputs, "description"));
        const isTaken = (item: { vpcId: string; name: string }) =>
            item.vpcId === vpcId && item.name.toLowerCase() === name.toLowerCase();
        if (Object.values(state.securityGroups).some(isTaken)) {
            throw new ApiError(
                "InvalidGroup.Duplicate",
                `The security group '${name}' already exists for VPC '${vpcId}'`,
            );
        }
        // Without AWS's default rule for outgoing traffic, because the provider removes it from every new group.
        state.securityGroups[id] = { id, vpcId, name };
        return id;
    },
    async remove(change, id, { revokeRulesOnDelete }) {
        await change(({ state }) => {
            const rules = Object.values(state.securityGroupRules).filter((rule) => refersTo(rule, id));
            if (revokeRulesOnDelete === true) for (const rule of rules) delete state.securityGroupRules[rule.id];
            const isUsed = Object.values(state.networkInterfaces).some((item) => item.securityGroupIds.includes(id));
            if (isUsed || (rules.length > 0 && revokeRulesOnDelete !== true)) {
                throw new ApiError("DependencyViolation", `resource ${id} has a dependent object`);
            }
            deleteGroup(state, id);
        });
    },
    describe(cloud, id) {
        const found = cloud.state.securityGroups[id];
        return found && { arn: arn(cloud, "security-group", id), vpcId: found.vpcId, name: found.name, namePrefix: "" };
    },
};

/** Whether a rule of another group refers to a group. */
function refersTo(rule: SecurityGroupRule, groupId: string): boolean {
    return rule.referencedSecurityGroupId === groupId && rule.groupId !== groupId;
}

/** Deletes a group and its rules. */
export function deleteGroup(state: CloudState, id: string): void {
    delete state.securityGroups[id];
    for (const rule of Object.values(state.securityGroupRules)) {
        if (rule.groupId === id) delete state.securityGroupRules[rule.id];
    }
}

/** The inputs that name the source of an ingress rule or the destination of an egress rule. A rule has one of them. */
const PEERS = ["cidrIpv4", "cidrIpv6", "referencedSecurityGroupId"] as const;

const RULE_INPUTS: Schema = {
    securityGroupId: { kind: "string", required: true, forceNew: true },
    ipProtocol: { kind: "string", required: true, invalid: protocol },
    fromPort: { kind: "integer" },
    toPort: { kind: "integer" },
    cidrIpv4: { kind: "string", invalid: cidr(4), canonical: canonicalCidr },
    cidrIpv6: { kind: "string", invalid: cidr(6), canonical: canonicalCidr },
    referencedSecurityGroupId: { kind: "string" },
    description: { kind: "string" },
    tags: { kind: "tags" },
};

export const ingressRule = rule("ingress");
export const egressRule = rule("egress");

function rule(direction: SecurityGroupRule["direction"]): ResourceType {
    return {
        label: `VPC Security Group ${direction === "ingress" ? "Ingress" : "Egress"} Rule`,
        inputs: RULE_INPUTS,
        outputs: ["arn", "region", "securityGroupRuleId"],
        check: checkRule,
        replaces: (olds, news) => PEERS.filter((name) => (olds[name] === undefined) !== (news[name] === undefined)),
        create({ state }, inputs) {
            const groupId = text(inputs, "securityGroupId");
            find(state.securityGroups, groupId, "InvalidGroup.NotFound", "security group");
            const id = newId("sgr");
            const added = fromInputs(id, direction, inputs);
            const others = Object.values(state.securityGroupRules);
            refuseDescription(inputs);
            refuseForeignGroup(state, added);
            refuseDuplicate(others, added);
            for (const family of families(added)) {
                const counted = others.filter((other) => isBeside(other, added) && families(other).includes(family));
                refuseBeyond("groupRules", 1 + counted.length);
            }
            state.securityGroupRules[id] = added;
            return id;
        },
        async update(change, id, news) {
            await change(({ state }) => {
                find(state.securityGroupRules, id, "InvalidSecurityGroupRuleId.NotFound", "security group rule");
                const changed = fromInputs(id, direction, news);
                refuseDescription(news);
                refuseForeignGroup(state, changed);
                refuseDuplicate(Object.values(state.securityGroupRules), changed);
                state.securityGroupRules[id] = changed;
            });
        },
        async remove(change, id) {
            await change(({ state }) => void delete state.securityGroupRules[id]);
        },
        describe: describeRule,
    };
}

function describeRule(cloud: Cloud, id: string): Values | undefined {
    const found = cloud.state.securityGroupRules[id];
    if (!found) return undefined;
    const live: Values = { ipProtocol: found.ipProtocol };
    for (const name of ["fromPort", "toPort", ...PEERS] as const) {
        if (found[name] !== undefined) live[name] = found[name];
    }
    return { ...live, arn: arn(cloud, "security-group-rule", id), securityGroupRuleId: id };
}

function fromInputs(id: string, direction: SecurityGroupRule["direction"], inputs: Values): SecurityGroupRule {
    const made: SecurityGroupRule = {
        id,
        groupId: text(inputs, "securityGroupId"),
        direction,
        ipProtocol: text(inputs, "ipProtocol"),
    };
    if (typeof inputs.fromPort === "number") made.fromPort = inputs.fromPort;
    if (typeof inputs.toPort === "number") made.toPort = inputs.toPort;
    const ipv4 = optionalText(inputs, "cidrIpv4");
    const ipv6 = optionalText(inputs, "cidrIpv6");
    const group = optionalText(inputs, "referencedSecurityGroupId");
    if (ipv4) made.cidrIpv4 = canonicalCidr(ipv4);
    if (ipv6) made.cidrIpv6 = canonicalCidr(ipv6);
    if (group) made.referencedSecurityGroupId = group;
    return made;
}

/** A rule may refer to a group of its own network only. */
function refuseForeignGroup(state: CloudState, { groupId, referencedSecurityGroupId: peer }: SecurityGroupRule): void {
    if (peer === undefined) return;
    const code = "InvalidGroup.NotFound";
    if (!state.securityGroups[peer]) throw new ApiError(code, `The security group '${peer}' does not exist`);
    if (state.securityGroups[peer].vpcId === state.securityGroups[groupId]?.vpcId) return;
    throw new ApiError(code, "You have specified two resources that belong to different networks.");
}

function refuseDuplicate(rules: SecurityGroupRule[], added: SecurityGroupRule): void {
    const key = (item: SecurityGroupRule) =>
        JSON.stringify({ ...item, id: "" }, Object.keys({ ...added, ...item, id: "" }).sort());
    if (!rules.some((item) => item.id !== added.id && key(item) === key(added))) return;
    const { ipProtocol, fromPort, toPort } = added;
    const peer = added.cidrIpv4 ?? added.cidrIpv6 ?? added.referencedSecurityGroupId;
    const ports = fromPort === undefined ? "" : `, from port: ${fromPort}, to port: ${toPort}`;
    throw new ApiError(
        "InvalidPermission.Duplicate",
        `the specified rule "peer: ${peer}, ${ipProtocol.toUpperCase()}${ports}, ALLOW" already exists`,
    );
}

function checkRule(inputs: Values): CheckFailure[] {
    const failures: CheckFailure[] = [];
    if (PEERS.filter((name) => inputs[name] !== undefined).length !== 1) {
        failures.push({ property: "", reason: `give exactly one of ${PEERS.join(", ")}` });
    }
    if (isUnknown(inputs.ipProtocol)) return failures;
    const isAll = inputs.ipProtocol === "-1";
    for (const property of ["fromPort", "toPort"] as const) {
        const port = inputs[property];
        if (isAll && port !== undefined) {
            failures.push({ property, reason: 'must not be given when ipProtocol is "-1"' });
        } else if (!isAll && port === undefined && inputs.ipProtocol !== "icmpv6") {
            failures.push({
                property,
                reason: `missing required property "${property}" for ipProtocol "${asText(inputs.ipProtocol)}"`,
            });
        } else if (typeof port === "number" && !inRange(inputs.ipProtocol, port)) {
            failures.push({ property, reason: `${port} is out of range` });
        }
    }
    const { fromPort, toPort } = inputs;
    const isPorts = inputs.ipProtocol === "tcp" || inputs.ipProtocol === "udp";
    if (isPorts && typeof fromPort === "number" && typeof toPort === "number" && fromPort > toPort) {
        failures.push({ property: "toPort", reason: `${toPort} is below fromPort ${fromPort}` });
    }
    return failures;
}

function inRange(ipProtocol: Value | undefined, port: number): boolean {
    const isIcmp = ipProtocol === "icmp" || ipProtocol === "icmpv6";
    return isIcmp ? port >= -1 && port <= 255 : port >= 0 && port <= 65535;
}

function protocol(value: string): string | undefined {
    const known = ["tcp", "udp", "icmp", "icmpv6", "-1"];
    return known.includes(value) ? undefined : `"${value}": the lab knows the protocols ${known.join(", ")}`;
}

/** The address families in whose quota a rule counts. A rule about a group counts in both. */
function families({ cidrIpv4, cidrIpv6 }: SecurityGroupRule): ("ipv4" | "ipv6")[] {
    if (cidrIpv4 === undefined && cidrIpv6 === undefined) return ["ipv4", "ipv6"];
    return cidrIpv4 === undefined ? ["ipv6"] : ["ipv4"];
}

/** Whether two rules are of the same group and direction. */
function isBeside(other: SecurityGroupRule, added: SecurityGroupRule): boolean {
    return other.groupId === added.groupId && other.direction === added.direction;
}

/** Refuses what EC2 refuses. The provider only checks the length. */
function refuseGroup(name: string, description: string): void {
    const wrong = (reason: string) => new ApiError("InvalidParameterValue", reason);
    if (name.toLowerCase() === "default") throw wrong("Cannot use reserved security group name: default");
    const invalid = `Value (${name}) for parameter GroupName is invalid.`;
    if (/^sg-/i.test(name)) throw wrong(`${invalid} Group names may not be in the format sg-*.`);
    if (!CHARACTERS.test(name)) throw wrong(`${invalid} ${ALLOWED}`);
    if (!CHARACTERS.test(description)) {
        throw wrong(`Value (${description}) for parameter GroupDescription is invalid. ${ALLOWED}`);
    }
}

function refuseDescription({ description }: Values): void {
    if (CHARACTERS.test(asText(description)) && asText(description).length <= 255) return;
    throw new ApiError(
        "InvalidParameterValue",
        `Invalid rule description. Valid descriptions are strings less than 256 characters from the following set: ${SET}`,
    );
}

function atMost255(value: string): string | undefined {
    return value.length <= 255 ? undefined : `${value.length} characters: AWS allows 255`;
}
