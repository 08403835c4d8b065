import { ACCOUNT } from "../../../cloud/state.ts";
import { ApiError, type Cloud } from "../resource-type.ts";
import { type AccessRequest, type PolicyDocument, evaluate } from "../policy-evaluation.ts";
import { type Value, type Values, asText, isMap } from "../../property-values.ts";
import { type Call, type CallText, at, idsAt, isMade, parseCall } from "./call.ts";
import { FUNCTION_CALLS, type Operation, callsFor } from "./calls.ts";

/** The user that runs the program. */
const CALLER = `arn:aws:iam::${ACCOUNT}:user/deployer`;

/** The resource or function that a call is for. */
export interface Subject {
    type: string;
    /** "" before it is created. */
    id: string;
    /** Inputs, or for a deletion the state. */
    values: Values;
    /** All tags: those that a request sends, or those that the resource has. */
    tags?: Value;
}

/** The user that runs the program, with the rights of these policies. */
export class Caller {
    readonly #policies: readonly PolicyDocument[];

    constructor(policies: readonly PolicyDocument[]) {
        this.#policies = policies;
    }

    /** @throws ApiError as AWS words it, for the first call that the policies do not allow */
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

type Context = NonNullable<AccessRequest["context"]>;
type Tags = Record<string, string>;

/** The requests that IAM checks for one call: one for each resource. */
function requestsOf(cloud: Cloud, call: Call, subject: Subject): AccessRequest[] {
    const { action, resources, options } = call;
    const values = { ...derivedValues(cloud, subject), ...subject.values };
    if (!isMade(call, values)) return [];
    const context = contextOf(call, values);
    if (resources.length === 0) {
        return [{ action, resource: "*", context: { ...context, ...requested(tagsOf(subject.tags)) } }];
    }
    const sent = options.tags === undefined ? tagsOf(subject.tags) : tagsOf(at(values, options.tags));
    // A few resources are in another region than the stack.
    const region = asText(values.region) || cloud.region;
    return resources.flatMap(([kind, by]) => {
        const arnFor = (id: string) => arnOf(region, action, kind, id);
        if (by === "new") return creationOf(action, arnFor("new"), context, sent);
        // IAM sees no tags of the interface that a machine is started with.
        if (by.startsWith("~")) {
            return idsAt(values, by.slice(1)).map((id) => ({ action, resource: arnFor(id), context }));
        }
        // Of an object that exists, IAM sees the tags of the request only if the call tags it.
        const sendsTags = /Tag/.test(action) || by === "name";
        return idsOf(by, subject, values).map((id) => ({
            action,
            resource: arnFor(id),
            context: {
                ...context,
                ...(sendsTags ? requested(sent) : {}),
                ...prefixed("aws:ResourceTag/", resourceTags(cloud, call, by, id, subject, values)),
            },
        }));
    });
}

function contextOf({ action, resources, options }: Call, values: Values): Context {
    const context: Context = {};
    if (options.to !== undefined) context["iam:PassedToService"] = [options.to];
    if (options.policy !== undefined) context["iam:PolicyARN"] = idsAt(values, options.policy);
    if (action === "iam:CreateServiceLinkedRole") {
        context["iam:AWSServiceName"] = resources.map(([role]) => role.split("/").at(-1)!);
    }
    if (action === "route53:ChangeResourceRecordSets") {
        context["route53:ChangeResourceRecordSetsRecordTypes"] = [asText(values.type)];
        context["route53:ChangeResourceRecordSetsNormalizedRecordNames"] = [asText(values.name).toLowerCase()];
    }
    return context;
}

/** The request to make an object. If EC2 tags it too, IAM also checks CreateTags. */
function creationOf(action: string, resource: string, context: Context, tags: Tags): AccessRequest[] {
    const made = { action, resource, context: { ...context, ...requested(tags) } };
    if (!action.startsWith("ec2:") || Object.keys(tags).length === 0) return [made];
    const tagged = { ...made.context, "ec2:CreateAction": [action.replace("ec2:", "")] };
    return [made, { action: "ec2:CreateTags", resource, context: tagged }];
}

function idsOf(by: string, { id }: Subject, values: Values): string[] {
    if (by === "self") return [id || asText(values.name) || "new"];
    return by === "any" || by === "untagged" ? [by] : idsAt(values, by);
}

/** The tags that a resource of a call has. */
function resourceTags(
    { state }: Cloud,
    { options }: Call,
    by: string,
    id: string,
    subject: Subject,
    values: Values,
): Tags {
    if (by === "untagged" || by === "any") {
        return tagsOf(options.tagged === undefined ? {} : at(values, options.tagged));
    }
    if (by === "self" && subject.id === "") return tagsOf(subject.tags);
    return state.tags?.[id] ?? {};
}

/** Values that follow from the cloud's state, for calls that refer to them. */
function derivedValues({ state }: Cloud, { id, values }: Subject): Values {
    const card = state.networkInterfaces[idsAt(values, "primaryNetworkInterface.networkInterfaceId")[0] ?? ""];
    const policies = Object.keys(state.roles[id]?.inlinePolicies ?? {});
    return {
        // Without an interface that exists, the launch makes one.
        launchedInterface: isMap(values.primaryNetworkInterface) ? "" : "new",
        ...(card ? { subnetId: card.subnetId, vpcSecurityGroupIds: card.securityGroupIds } : {}),
        // Its ARN begins with that of the load balancer.
        newListener: asText(values.loadBalancerArn).replace(":loadbalancer/", ":listener/"),
        profileRole: state.instanceProfiles[asText(values.iamInstanceProfile)]?.role ?? "",
        ...(policies.length > 0 ? { inlinePolicies: policies } : {}),
    };
}

function arnOf(region: string, action: string, kind: string, id: string): string {
    if (id.startsWith("arn:")) return id;
    const service = action.split(":")[0]!;
    // Images and snapshots may belong to another account.
    const account = ["image", "snapshot"].includes(kind) || service === "route53" ? "" : ACCOUNT;
    const name = { cloudwatch: `${kind}:${id}`, sns: id }[service] ?? `${kind}/${id}`;
    return `arn:aws:${service}:${["iam", "route53"].includes(service) ? "" : region}:${account}:${name}`;
}

const requested = (tags: Tags) => prefixed("aws:RequestTag/", tags);

function prefixed(prefix: string, tags: Tags): Record<string, string[]> {
    return Object.fromEntries(Object.entries(tags).map(([key, value]) => [prefix + key, [value]]));
}

function tagsOf(value: Value | undefined): Tags {
    return isMap(value) ? (value as Tags) : {};
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
