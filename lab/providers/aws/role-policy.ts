import type { CloudState } from "../../cloud/state.ts";
import type { Values } from "../property-values.ts";
import { canonicalJson, findRole, policySize, refuseMalformed } from "./iam.ts";
import { model } from "./models.ts";
import { wrongPolicy } from "./policy.ts";
import { ApiError, type ResourceType, generatedName, text } from "./resource-type.ts";

/** IAM's limit for all inline policies of a role together. */
const LONGEST_POLICIES = 10_240;

const written = (member: string) => model("iam", "PutRolePolicy", member);

/** A role's inline policy. Creating one overwrites a policy of the same name, as IAM's PutRolePolicy does. */
export const rolePolicy: ResourceType = {
    label: "IAM Role Policy",
    inputs: {
        name: { kind: "string", computed: true, forceNew: true, model: written("PolicyName") },
        role: { kind: "string", required: true, forceNew: true, model: written("RoleName") },
        policy: {
            kind: "string",
            required: true,
            model: written("PolicyDocument"),
            invalid: wrongPolicy,
            canonical: canonicalJson,
        },
    },
    outputs: ["namePrefix"],
    defaults: (inputs, naming): Values => (inputs.name === undefined ? { name: generatedName(naming) } : {}),
    create({ state }, inputs) {
        const [role, name] = [text(inputs, "role"), text(inputs, "name")];
        put(state, role, name, inputs);
        return `${role}:${name}`;
    },
    async update(change, id, news) {
        await change(({ state }) => put(state, ...partsOf(id), news));
    },
    async remove(change, id) {
        const [role, name] = partsOf(id);
        await change(({ state }) => void delete state.roles[role]?.inlinePolicies?.[name]);
    },
    describe({ state }, id) {
        const [role, name] = partsOf(id);
        const policy = state.roles[role]?.inlinePolicies?.[name];
        return policy === undefined ? undefined : { role, name, policy, namePrefix: "" };
    },
};

function put(state: CloudState, role: string, name: string, inputs: Values): void {
    const policy = text(inputs, "policy");
    refuseMalformed(policy, "rights");
    const policies = (findRole(state, role).inlinePolicies ??= {});
    policies[name] = policy;
    const size = Object.values(policies).reduce((sum, one) => sum + policySize(one), 0);
    if (size > LONGEST_POLICIES) {
        throw new ApiError(
            "LimitExceeded",
            `Maximum policy size of ${LONGEST_POLICIES} bytes exceeded for role ${role}`,
        );
    }
}

/** Splits an id at its colon. Neither name can contain a colon. */
function partsOf(id: string): [role: string, name: string] {
    const [role = "", name = ""] = id.split(":");
    return [role, name];
}
