import { randomUUID } from "node:crypto";
import { XMLBuilder } from "fast-xml-parser";
import { type Datapoint, metricKey } from "../../cloud/watch-state.ts";
import type { CloudStore } from "../../cloud/store.ts";
import type { Answer, Request } from "./http.ts";
import { authorize } from "./authorize.ts";
import type { Sessions } from "./sessions.ts";
import { ApiFault, authenticate } from "./signature.ts";

const builder = new XMLBuilder({ ignoreAttributes: false });
const NAMESPACE = "http://monitoring.amazonaws.com/doc/2010-08-01/";
const VERSION = "2010-08-01";
const MOST_METRICS = 1000;

/** The part of CloudWatch's API by which a machine reports metrics, in AWS's query protocol. Keeps the last value of each. */
export class CloudWatch {
    readonly #store: CloudStore;
    readonly #sessions: Sessions;
    readonly #region: string;

    constructor(store: CloudStore, sessions: Sessions, region: string) {
        this.#store = store;
        this.#sessions = sessions;
        this.#region = region;
    }

    async answer(request: Request): Promise<Answer> {
        try {
            return await this.#putMetricData(request);
        } catch (error) {
            if (!(error instanceof ApiFault)) throw error;
            const { status, code, message } = error;
            return xml(status, "ErrorResponse", { Error: { Type: "Sender", Code: code, Message: message } });
        }
    }

    async #putMetricData(request: Request): Promise<Answer> {
        const session = await authenticate(this.#sessions, request, { region: this.#region, service: "monitoring" });
        const form = new URLSearchParams(request.body);
        const action = form.get("Action") ?? "";
        if (request.method !== "POST" || action !== "PutMetricData" || form.get("Version") !== VERSION) {
            throw new ApiFault(400, "InvalidAction", `the lab's CloudWatch has only PutMetricData, not ${action}`);
        }
        const namespace = form.get("Namespace") ?? "";
        if (!/^[^:]{1,255}$/.test(namespace))
            throw invalid(`The value ${namespace} for parameter Namespace is invalid.`);
        await authorize(this.#store, session, {
            action: "cloudwatch:PutMetricData",
            resource: "*",
            context: { "cloudwatch:namespace": [namespace] },
        });
        const metrics = readMetrics(namespace, form);
        await this.#store.change((state) => void Object.assign(state.metrics, metrics));
        return xml(200, "PutMetricDataResponse", {});
    }
}

/** The metrics of a request by their keys. Refuses what CloudWatch refuses, and what the lab would not keep. */
function readMetrics(namespace: string, form: URLSearchParams): Record<string, Datapoint> {
    const found: Record<string, Datapoint> = {};
    const read = new Set(["Action", "Version", "Namespace"]);
    const take = (name: string) => {
        read.add(name);
        return form.get(name) ?? undefined;
    };
    const time = new Date().toISOString();
    for (let n = 1; n <= MOST_METRICS; n++) {
        const metric = `MetricData.member.${n}`;
        const metricName = take(`${metric}.MetricName`);
        if (metricName === undefined) break;
        const value = Number(take(`${metric}.Value`) ?? NaN);
        if (Number.isNaN(value)) throw invalid(`The parameter ${metric}.Value is required.`);
        const dimensions: Record<string, string> = {};
        for (let d = 1; ; d++) {
            const name = take(`${metric}.Dimensions.member.${d}.Name`);
            const held = take(`${metric}.Dimensions.member.${d}.Value`);
            if (name === undefined) break;
            if (!held) throw invalid(`The parameter ${metric}.Dimensions.member.${d}.Value is required.`);
            dimensions[name] = held;
        }
        found[metricKey({ namespace, metricName, dimensions })] = { value, time };
    }
    const unread = [...form.keys()].find((name) => !read.has(name));
    if (unread !== undefined) throw invalid(`the lab's CloudWatch does not know ${unread}`);
    if (Object.keys(found).length === 0) throw invalid("The parameter MetricData is required.");
    return found;
}

function invalid(message: string): ApiFault {
    return new ApiFault(400, "InvalidParameterValue", message);
}

function xml(status: number, name: string, body: object): Answer {
    const text = builder.build({ [name]: { "@_xmlns": NAMESPACE, ...body, RequestId: randomUUID() } });
    return { status, type: "text/xml", body: text };
}
