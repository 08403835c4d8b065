import { ACCOUNT, ApiError, type Cloud } from "../resource-type.ts";
import { type AccessRequest, type PolicyDocument, evaluate } from "../policy-evaluation.ts";
import { type Value, type Values, asText, isMap } from "../../property-values.ts";
import { type Call, type CallText, at, idsAt, isMade, parseCall } from "./call.ts";
import { FUNCTION_CALLS, type Operation, callsFor } from "./calls.ts";

/** Whoever runs the program. */
const CALLER = `arn:aws:iam::${ACCOUNT}:user/deployer`;

/** What a call is about. */
export interface Subject {
    type: string;
    /** "" before it is created. */
    id: string;
    /** Inputs, or the state of what is deleted. */
    values: Values;
    /** All tags, that a request sends or that it has. */
    tags?: Value;
}

/** Who runs the program, with the rights of these policies. */
export class Caller {
    readonly #policies: readonly PolicyDocument[];

    constructor(policies: readonly PolicyDocument[]) {
        this.#policies = policies;
    }

    /** @throws ApiError in AWS's words for the first call of an operation that the policies do not allow. */
    may(operation: Operation, cloud: Cloud, subject: Subject, changed: readonly string[] = []): void {
        this.#require(cloud, callsFor(subject.type, operation, changed), subject);
    }

    mayInvoke(cloud: Cloud, token: string, values: Values): void {
        this.#require(cloud, FUNCTION_CALLS[token]!, { type: token, id: "", values });
    }

    #require(cloud: Cloud, calls: readonly CallText[], subject: Subject): void {
        const requests = calls.map(parseCall).flatMap((call) => requestsOf(cloud, call, subject));
        const refused = requests.find((request) => !evaluate(this.#policies, request));
        if (refused) throw refusal(refused);
    }
}

function requestsOf(cloud: Cloud, call: Call, subject: Subject): AccessRequest[] {
    const { action, resources, options } = call;
    const values = { ...around(cloud, subject), ...subject.values };
    if (!isMade(call, values)) return [];
    const context: AccessRequest["context"] = {};
    if (options.to !== undefined) context["iam:PassedToService"] = [options.to];
    if (options.policy !== undefined) context["iam:PolicyARN"] = idsAt(values, options.policy);
    if (action === "route53:ChangeResourceRecordSets") {
        context["route53:ChangeResourceRecordSetsRecordTypes"] = [asText(values.type)];
    }
    if (resources.length === 0)
        return [{ action, resource: "*", context: { ...context, ...requested(tagsOf(subject.tags)) } }];
    return resources.flatMap(([kind, by]) => {
        const tags = options.tags === undefined ? tagsOf(subject.tags) : tagsOf(at(values, options.tags));
        if (by === "new") {
            const made = { resource: arnOf(cloud, action, kind, "new"), context: { ...context, ...requested(tags) } };
            const isTagged = action.startsWith("ec2:") && Object.keys(tags).length > 0;
            const created = { ...made.context, "ec2:CreateAction": [action.replace("ec2:", "")] };
            return [
                { action, ...made },
                ...(isTagged ? [{ action: "ec2:CreateTags", resource: made.resource, context: created }] : []),
            ];
        }
        const has = (id: string) =>
            by === "untagged" || by === "any"
                ? tagsOf(options.tagged === undefined ? {} : at(values, options.tagged))
                : by === "self" && subject.id === ""
                  ? tagsOf(subject.tags)
                  : (cloud.state.tags?.[id] ?? {});
        // EC2 tells IAM of no tag of an interface that a machine is started with.
        if (by.startsWith("~")) {
            return idsAt(values, by.slice(1)).map((id) => ({
                action,
                resource: arnOf(cloud, action, kind, id),
                context,
            }));
        }
        const ids =
            by === "self"
                ? [subject.id || asText(values.name) || "new"]
                : ["any", "untagged"].includes(by)
                  ? [by]
                  : idsAt(values, by);
        return ids.map((id) => ({
            action,
            resource: arnOf(cloud, action, kind, id),
            context: {
                ...context,
                ...(/Tag/.test(action) || by !== "self" ? requested(tags) : {}),
                ...prefixed("aws:ResourceTag/", has(id)),
            },
        }));
    });
}

/** What AWS looks at besides what the call names. */
function around({ state }: Cloud, { id, values }: Subject): Values {
    const card = state.networkInterfaces[idsAt(values, "primaryNetworkInterface.networkInterfaceId")[0] ?? ""];
    const policies = Object.keys(state.roles[id]?.inlinePolicies ?? {});
    return {
        ...(card ? { subnetId: card.subnetId, vpcSecurityGroupIds: card.securityGroupIds } : {}),
        profileRole: state.instanceProfiles[asText(values.iamInstanceProfile)]?.role ?? "",
        ...(policies.length > 0 ? { inlinePolicies: policies } : {}),
    };
}

function arnOf({ region }: Cloud, action: string, kind: string, id: string): string {
    if (id.startsWith("arn:")) return id;
    const service = action.split(":")[0]!;
    // Images and snapshots may be somebody else's.
    const account = ["image", "snapshot"].includes(kind) || service === "route53" ? "" : ACCOUNT;
    return `arn:aws:${service}:${["iam", "route53"].includes(service) ? "" : region}:${account}:${kind}/${id}`;
}

const requested = (tags: Record<string, string>) => prefixed("aws:RequestTag/", tags);

function prefixed(prefix: string, tags: Record<string, string>): Record<string, string[]> {
    return Object.fromEntries(Object.entries(tags).map(([key, value]) => [prefix + key, [value]]));
}

function tagsOf(value: Value | undefined): Record<string, string> {
    return isMap(value) ? (value as Record<string, string>) : {};
}

function refusal({ action, resource }: AccessRequest): ApiError {
    const who = `User: ${CALLER} is not authorized to perform: ${action}`;
    const where = resource === "*" ? "" : ` on resource: ${resource}`;
    const why = `because no identity-based policy allows the ${action} action`;
    if (!action.startsWith("ec2:")) return new ApiError("AccessDenied", `${who}${where} ${why}`);
    return new ApiError(
        "UnauthorizedOperation",
        `You are not authorized to perform this operation. ${who}${where} ${why}`,
    );
}
