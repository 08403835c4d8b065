import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import { beforeEach, describe, expect, it } from "vitest";
import { judgeAlarms } from "../../lab/cloud/alarms.ts";
import type { CloudState } from "../../lab/cloud/state.ts";
import { metricKey } from "../../lab/cloud/watch-state.ts";
import type { Values } from "../../lab/providers/property-values.ts";
import { CloudWatch } from "../../lab/services/aws/cloudwatch.ts";
import { type Credentials, Sessions } from "../../lab/services/aws/sessions.ts";
import { type Made, TestCloud } from "./lab-aws-cloud.ts";

const document = (...statements: object[]) => JSON.stringify({ Version: "2012-10-17", Statement: statements });
const NAMESPACE = "LinkMeshProxy";
const FAILED = { namespace: NAMESPACE, metricName: "Failed", dimensions: { Stack: "p/s/n", Item: "disk" } };

let cloud: TestCloud;
let topic: Made;
let count = 0;
beforeEach(async () => {
    cloud = TestCloud.create();
    topic = await cloud.make("Topic", { region: "us-east-1" });
});

const alarm = (more: Values = {}) =>
    cloud.make("MetricAlarm", {
        name: `a${count++}`,
        ...{ ...FAILED, statistic: "Maximum", period: 300, evaluationPeriods: 3, threshold: 1 },
        ...{ comparisonOperator: "GreaterThanOrEqualToThreshold", treatMissingData: "breaching" },
        ...more,
    });

describe("resources of alarms", () => {
    it("an alarm reaches topics of its own region only", async () => {
        await alarm({ region: "us-east-1", alarmActions: [topic.id] });
        await expect(alarm({ alarmActions: [topic.id] })).rejects.toThrow(
            "creating CloudWatch Metric Alarm: api error ValidationError: Invalid region us-east-1 specified. Only eu-central-1 is supported.",
        );
        await expect(alarm({ alarmActions: ["arn:aws:automate:eu-west-1:ec2:recover"] })).rejects.toThrow(
            "Only eu-central-1 is supported.",
        );
        await alarm({ alarmActions: ["arn:aws:automate:eu-central-1:ec2:recover"] });
    });

    it("another region replaces an alarm, a topic and a subscription; another threshold does not", async () => {
        const made = await alarm();
        expect(await cloud.diff(made, { ...made.inputs, threshold: 2 })).toMatchObject({ replaces: [] });
        expect(await cloud.diff(made, { ...made.inputs, region: "us-east-1" })).toMatchObject({ replaces: ["region"] });
        expect(await cloud.diff(topic, { ...topic.inputs, region: "eu-central-1" })).toMatchObject({
            replaces: ["region"],
        });
    });

    it("a mail goes to a topic of the same region, and goes with it", async () => {
        const mail = { topic: topic.id, protocol: "email", endpoint: "a@example.com" };
        await expect(cloud.make("TopicSubscription", mail)).rejects.toThrow("NotFound: Topic does not exist");
        const made = await cloud.make("TopicSubscription", { ...mail, region: "us-east-1" });
        expect(made.outputs).toMatchObject({ pendingConfirmation: true });
        await cloud.delete(topic);
        expect((await cloud.state()).subscriptions).toEqual({});
    });

    it("a health check asks public addresses, and one that connects asks for no path", async () => {
        const check = (more: Values) => cloud.make("HealthCheck", { type: "TCP", port: 50051, ...more });
        const address = (await cloud.make("Eip", {})).outputs.publicIp!;
        await check({ ipAddress: address });
        await check({ ipAddress: "fd77::1" });
        await expect(check({ ipAddress: "10.77.0.9" })).rejects.toThrow("InvalidInput: Invalid IPv4 address");
        await expect(check({ ipAddress: address, resourcePath: "/" })).rejects.toThrow("has no resourcePath");
        const tags = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`t${i}`, "x"]));
        await expect(check({ ipAddress: address, tags })).rejects.toThrow("tags supports 10 item maximum");
    });
});

describe("CloudWatch's API", () => {
    const sessions = new Sessions("key");
    let api: CloudWatch;
    let credentials: Credentials;
    beforeEach(async () => {
        const trust = { Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" };
        await cloud.make("Role", { name: "r", assumeRolePolicy: document(trust) });
        const right = { Effect: "Allow", Action: "cloudwatch:PutMetricData", Resource: "*" };
        const condition = { StringEquals: { "cloudwatch:namespace": NAMESPACE } };
        await cloud.make("RolePolicy", { role: "r", policy: document({ ...right, Condition: condition }) });
        api = new CloudWatch(cloud.store, sessions, "eu-central-1");
        credentials = sessions.issue({ role: "r", instanceId: "i-1", expires: Date.now() + 60_000 });
    });

    const METRIC = {
        ...{ "MetricData.member.1.MetricName": "Failed", "MetricData.member.1.Value": "1" },
        "MetricData.member.1.Dimensions.member.1.Name": "Stack",
        "MetricData.member.1.Dimensions.member.1.Value": "p/s/n",
        "MetricData.member.1.Dimensions.member.2.Name": "Item",
        "MetricData.member.1.Dimensions.member.2.Value": "disk",
    };

    async function put(form: Record<string, string>, region = "eu-central-1", tampered = "") {
        const all = { Action: "PutMetricData", Version: "2010-08-01", Namespace: NAMESPACE, ...form };
        const body = new URLSearchParams(all).toString();
        const signer = new SignatureV4({
            credentials: { ...credentials, sessionToken: credentials.token },
            ...{ region, service: "monitoring", sha256: Sha256 },
        });
        const hostname = "monitoring.eu-central-1.amazonaws.com";
        const plain = { method: "POST", path: "/", protocol: "https:", hostname, headers: { host: hostname } };
        const { headers } = await signer.sign({ ...plain, query: {}, body });
        const request = { ...plain, headers, body: body + tampered, query: new URLSearchParams(), address: "" };
        return api.answer(request);
    }

    it("keeps the last value of each metric", async () => {
        expect((await put({ ...METRIC, "MetricData.member.1.Value": "0" })).status).toBe(200);
        expect((await put(METRIC)).status).toBe(200);
        expect((await cloud.state()).metrics[metricKey(FAILED)]).toMatchObject({ value: 1 });
    });

    it("refuses another namespace, a wrong signature, and what it does not know", async () => {
        expect((await put({ ...METRIC, Namespace: "AWS/EC2" })).body).toContain("AccessDenied");
        expect((await put(METRIC, "us-east-1")).body).toContain(
            "Credential should be scoped to eu-central-1/monitoring",
        );
        expect((await put(METRIC, undefined, "&x=1")).body).toContain("SignatureDoesNotMatch");
        expect((await put({ ...METRIC, "MetricData.member.2.Unit": "Count" })).body).toContain("does not know");
        expect((await put({ Action: "GetMetricData" })).body).toContain("InvalidAction");
        expect((await put({})).body).toContain("MetricData is required");
        expect((await cloud.state()).metrics).toEqual({});
    });
});

describe("whether an alarm rings in the lab", () => {
    const now = Date.parse("2026-01-01T00:20:00Z");
    async function judge(value: number | undefined, time = "2026-01-01T00:19:00Z", more: Values = {}) {
        await alarm(more);
        const state: CloudState = await cloud.state();
        if (value !== undefined) state.metrics[metricKey(FAILED)] = { value, time };
        return judgeAlarms(state, now).map(({ state: found, reason }) => `${found}: ${reason}`);
    }

    it("by the last value that the machine has reported", async () => {
        expect(await judge(0)).toEqual(["OK: Failed is 0"]);
        expect((await judge(1)).at(-1)).toEqual("ALARM: Failed is 1");
    });

    it("if nothing was reported, as the alarm says", async () => {
        const silence = "nothing was reported for 15 minutes";
        expect(await judge(undefined)).toEqual([`ALARM: ${silence}`]);
        expect((await judge(0, "2026-01-01T00:04:59Z")).at(-1)).toEqual(`ALARM: ${silence}`);
        expect((await judge(undefined, "", { treatMissingData: "missing" })).at(-1)).toEqual(`OK: ${silence}`);
    });

    it("not by metrics of AWS's own", async () => {
        expect(await judge(1, undefined, { namespace: "AWS/EC2" })).toEqual([
            "not judged: the lab measures no AWS/EC2",
        ]);
    });
});
