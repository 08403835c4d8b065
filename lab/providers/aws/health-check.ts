import { randomUUID } from "node:crypto";
import { isIPv4 } from "node:net";
import type { HealthCheck } from "../../cloud/watch-state.ts";
import { contains, parseCidr } from "../../network/cidr.ts";
import type { CheckFailure } from "../provider.ts";
import { type Values, isUnknown } from "../property-values.ts";
import { model } from "./models.ts";
import { ApiError, type Cloud, type ResourceType, find, optionalText, text } from "./resource-type.ts";
import { oneOf } from "./schema.ts";

const config = (member: string) => model("route53", "CreateHealthCheck", `HealthCheckConfig.${member}`);
const NOBODY_ASKS = "nobody asks in the lab";

/** Checks of the program's kinds, by address. */
export const healthCheck: ResourceType = {
    label: "Route53 Health Check",
    inputs: {
        type: { kind: "string", required: true, forceNew: true, model: config("Type"), invalid: oneOf("HTTPS", "TCP") },
        ipAddress: { kind: "string", needed: "the lab has checks by address only", model: config("IPAddress") },
        port: { kind: "integer", computed: true, model: config("Port") },
        fqdn: { kind: "string", inert: NOBODY_ASKS, model: config("FullyQualifiedDomainName") },
        resourcePath: { kind: "string", inert: NOBODY_ASKS, model: config("ResourcePath") },
        enableSni: { kind: "boolean", computed: true, inert: NOBODY_ASKS },
        failureThreshold: { kind: "integer", computed: true, inert: NOBODY_ASKS, model: config("FailureThreshold") },
        requestInterval: {
            kind: "integer",
            forceNew: true,
            inert: NOBODY_ASKS,
            model: config("RequestInterval"),
            invalid: (value: number) => oneOf("10", "30")(String(value)),
        },
        tags: { kind: "tags", model: model("route53", "ChangeTagsForResource", "AddTags") },
    },
    outputs: ["arn"],
    check: onlyForHttps,
    create(cloud, inputs) {
        const id = randomUUID();
        cloud.state.healthChecks[id] = checkFrom(cloud, id, inputs);
        return id;
    },
    async update(change, id, news) {
        await change((cloud) => {
            find(cloud.state.healthChecks, id, "NoSuchHealthCheck", "health check");
            cloud.state.healthChecks[id] = checkFrom(cloud, id, news);
        });
    },
    async remove(change, id) {
        await change(({ state }) => void delete state.healthChecks[id]);
    },
    describe({ state }, id) {
        const found = state.healthChecks[id];
        return (
            found && {
                arn: `arn:aws:route53:::healthcheck/${id}`,
                ...{ type: found.type, ipAddress: found.ipAddress, port: found.port },
            }
        );
    },
};

function checkFrom({ lab }: Cloud, id: string, inputs: Values): HealthCheck {
    const ipAddress = text(inputs, "ipAddress");
    // In the lab everything but an elastic address stands for a private one.
    if (isIPv4(ipAddress) && !contains(parseCidr(lab.net.elasticCidr)!, parseCidr(`${ipAddress}/32`)!)) {
        throw new ApiError("InvalidInput", `Invalid IPv4 address: ${ipAddress} is private, so it cannot be checked`);
    }
    const type = text(inputs, "type") as HealthCheck["type"];
    const port = inputs.port as number | undefined;
    if (type === "TCP" && port === undefined)
        throw new ApiError("InvalidInput", "Invalid parameter : Port is required");
    return { id, type, ipAddress, port: port ?? 443 };
}

/** Route 53 refuses what only requests have in a check that only connects. */
function onlyForHttps(inputs: Values): CheckFailure[] {
    if (isUnknown(inputs.type) || optionalText(inputs, "type") !== "TCP") return [];
    const wrong = ["resourcePath", "enableSni"].filter((name) => (inputs[name] ?? null) !== null);
    return wrong.map((property) => ({ property, reason: `InvalidInput: a check of type TCP has no ${property}` }));
}
