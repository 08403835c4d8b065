import { ACCOUNT, type CloudState, type Role } from "../../cloud/state.ts";
import { ProviderError } from "../provider.ts";
import { type Value, type Values, isMap } from "../property-values.ts";
import { model } from "./models.ts";
import { type PolicyKind, awsPrincipals, invalidPrincipal, malformed } from "./policy-grammar.ts";
import { ApiError, type ResourceType, derivedId, generatedName, text } from "./resource-type.ts";
import { ONE_VALUE } from "./schema.ts";

/** The managed policy that lets the Data Lifecycle Manager take and delete snapshots. */
export const SNAPSHOT_POLICY = "arn:aws:iam::aws:policy/service-role/AWSDataLifecycleManagerServiceRole";

/** The AWS managed policies that the lab has. It has no customer managed policies. */
const MANAGED_POLICIES = [
    SNAPSHOT_POLICY,
    "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
    "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy",
];

const LONGEST_TRUST = 2048;

const created = (member: string) => model("iam", "CreateRole", member);

export const role: ResourceType = {
    label: "IAM Role",
    inputs: {
        name: { kind: "string", computed: true, forceNew: true, model: created("RoleName") },
        path: { kind: "string", default: "/", forceNew: true, model: created("Path") },
        assumeRolePolicy: {
            kind: "string",
            required: true,
            model: created("AssumeRolePolicyDocument"),
            invalid: notJson,
            canonical: canonicalJson,
        },
        description: { kind: "string", inert: "for people", model: created("Description") },
        forceDetachPolicies: { kind: "boolean", default: false },
        maxSessionDuration: {
            kind: "integer",
            inert: "does not limit the sessions of machines",
            default: 3600,
            model: created("MaxSessionDuration"),
        },
        permissionsBoundary: { kind: "string", inert: ONE_VALUE, invalid: boundary },
        tags: { kind: "tags", model: created("Tags") },
    },
    outputs: ["arn", "createDate", "uniqueId", "namePrefix"],
    defaults: (inputs, naming): Values => (inputs.name === undefined ? { name: generatedName(naming) } : {}),
    create({ state }, inputs) {
        const name = text(inputs, "name");
        if (state.roles[name]) {
            throw new ApiError("EntityAlreadyExists", `Role with name ${name} already exists.`);
        }
        refuseSameName(name, state.instanceProfiles);
        state.roles[name] = {
            name,
            arn: `arn:aws:iam::${ACCOUNT}:role${text(inputs, "path")}${name}`,
            trust: trustOf(state, inputs),
            policies: [],
            createdAt: new Date().toISOString(),
        };
        return name;
    },
    async update(change, id, news) {
        await change(({ state }) => void (findRole(state, id).trust = trustOf(state, news)));
    },
    async remove(change, id, old) {
        await change(({ state }) => {
            const { policies, inlinePolicies = {} } = findRole(state, id);
            const conflict = (reason: string) => new ApiError("DeleteConflict", `Cannot delete entity, ${reason}`);
            if (Object.values(state.instanceProfiles).some((profile) => profile.role === id)) {
                throw conflict("must remove roles from instance profile first.");
            }
            if (old.forceDetachPolicies !== true && policies.length > 0) {
                throw conflict("must detach all policies first.");
            }
            if (old.forceDetachPolicies !== true && Object.keys(inlinePolicies).length > 0) {
                throw conflict("must delete policies first.");
            }
            delete state.roles[id];
        });
    },
    describe({ state }, id) {
        const found = state.roles[id];
        return (
            found && {
                arn: found.arn,
                name: found.name,
                assumeRolePolicy: found.trust,
                createDate: found.createdAt,
                uniqueId: derivedId("AROA", found.name).replace("-", "").toUpperCase(),
                namePrefix: "",
            }
        );
    },
};

export const rolePolicyAttachment: ResourceType = {
    label: "IAM Role Policy Attachment",
    inputs: {
        role: { kind: "string", required: true, forceNew: true, model: model("iam", "AttachRolePolicy", "RoleName") },
        policyArn: {
            kind: "string",
            required: true,
            forceNew: true,
            model: model("iam", "AttachRolePolicy", "PolicyArn"),
            invalid: policyArn,
        },
    },
    outputs: [],
    create({ state }, inputs) {
        const holder = findRole(state, text(inputs, "role"));
        const policy = text(inputs, "policyArn");
        if (!MANAGED_POLICIES.includes(policy)) {
            throw new ApiError(
                "NoSuchEntity",
                `Policy ${policy} does not exist or is not attachable. (The lab has ${MANAGED_POLICIES.join(", ")}.)`,
            );
        }
        if (!holder.policies.includes(policy)) holder.policies.push(policy);
        return attachmentId(holder, policy);
    },
    async remove(change, id) {
        await change(({ state }) => {
            for (const holder of Object.values(state.roles)) {
                holder.policies = holder.policies.filter((policy) => attachmentId(holder, policy) !== id);
            }
        });
    },
    describe({ state }, id) {
        const links = Object.values(state.roles).flatMap((holder) =>
            holder.policies.map((policy) => ({ holder, policy })),
        );
        const found = links.find(({ holder, policy }) => attachmentId(holder, policy) === id);
        return found && { role: found.holder.name, policyArn: found.policy };
    },
};

/** Whether a service, as "dlm.amazonaws.com", may assume a role. */
export function trusts({ trust }: Role, service: string): boolean {
    return statementsOf(JSON.parse(trust) as Values).some(({ Effect, Principal }) => {
        const services = isMap(Principal) ? Principal.Service : undefined;
        return Effect === "Allow" && (Array.isArray(services) ? services.includes(service) : services === service);
    });
}

export function findRole(state: CloudState, name: string): Role {
    const found = state.roles[name];
    if (!found) throw new ApiError("NoSuchEntity", `The role with name ${name} cannot be found.`);
    return found;
}

/** Refuses equal names, because the lab keeps tags by id, and the id of both kinds is the name. */
export function refuseSameName(name: string, others: Record<string, unknown>): void {
    if (!others[name]) return;
    throw new ProviderError(`the lab needs different names for a role and an instance profile: both are ${name}`);
}

function attachmentId(holder: Role, policy: string): string {
    return `${holder.name}/${policy}`;
}

function policyArn(value: string): string | undefined {
    return /^arn:aws:iam::(aws|\d{12}):policy\/.+$/.test(value) ? undefined : `"${value}" is no ARN of an IAM policy`;
}

function boundary(): string {
    return "the lab does not evaluate permissions boundaries: leave it out";
}

/** The check that the provider makes itself, before it sends anything. */
export function notJson(value: string): string | undefined {
    return isMap(parseJson(value)) ? undefined : "contains an invalid JSON policy";
}

/** @throws ApiError if IAM refuses the document, or if it exceeds IAM's default quota */
function trustOf(state: CloudState, inputs: Values): string {
    const trust = text(inputs, "assumeRolePolicy");
    refuseMalformed(trust, "trust");
    const known = Object.values(state.roles).map((item) => item.arn);
    const own = `arn:aws:iam::${ACCOUNT}:`;
    const missing = awsPrincipals(JSON.parse(trust) as Values).find(
        (name) => name.startsWith(own) && name !== `${own}root` && !known.includes(name),
    );
    if (missing) throw new ApiError("MalformedPolicyDocument", invalidPrincipal("AWS", missing));
    if (policySize(trust) > LONGEST_TRUST) {
        throw new ApiError("LimitExceeded", `Cannot exceed quota for ACLSizePerRole: ${LONGEST_TRUST}`);
    }
    return trust;
}

export function refuseMalformed(document: string, kind: PolicyKind): void {
    const reason = malformed(JSON.parse(document) as Value, kind);
    if (reason) throw new ApiError("MalformedPolicyDocument", reason);
}

/** The size of a document as IAM counts it, without white space. */
export function policySize(document: string): number {
    return document.replace(/\s/g, "").length;
}

function statementsOf(document: Values): Values[] {
    return [document.Statement ?? []].flat().filter(isMap);
}

/** Removes differences in white space and in the order of keys, which are no change. */
export function canonicalJson(value: string): string {
    const parsed = parseJson(value);
    return parsed === undefined ? value : JSON.stringify(sorted(parsed));
}

function sorted(value: Value): Value {
    if (Array.isArray(value)) return value.map(sorted);
    if (!isMap(value)) return value;
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}

function parseJson(value: string): Value | undefined {
    try {
        return JSON.parse(value) as Value;
    } catch {
        return undefined;
    }
}
