import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeAll, beforeEach, describe, expect, type MockInstance, test, vi } from "vitest";
import { CONFIG, reveal, runProgram, type Registered, valueOf } from "./program.ts";

const ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm";
const CHECK = "aws:route53/healthCheck:HealthCheck";
const MAIL = { alarms: "platform@example.com" };
const TOPICS = ["eu-central-1", "us-east-1"].map((region) => `arn:aws:sns:${region}:123456789012:ops`);
const OWN_TOPICS = ["eu-central-1", "us-east-1"].map(
    (region) => `arn:aws:sns:here:000000000000:linkmesh-alarms-topic-${region}`,
);

let warn: MockInstance<typeof pulumi.log.warn>;
beforeEach(() => void (warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue()));
afterEach(() => warn.mockRestore());
const warnings = () => warn.mock.calls.map(([sentence]) => sentence);

const ofType = (all: Registered[], type: string) => all.filter((one) => one.type === type);
/** Sorted, because nothing orders their registration. */
const names = (all: Registered[], type: string) =>
    ofType(all, type)
        .map(({ name }) => name.replace("linkmesh-alarms-", ""))
        .sort();
const sorted = (...all: string[]) => all.sort();

const MACHINE = ["recover", "status", "linkmesh", "certificate", "renewal", "disk"];
const OUTSIDE = ["https-ipv4", "https-ipv6", "grpc-ipv4", "grpc-ipv6"];

test("without alarms nothing of it exists: no resource, no right, no step, no lookup of the region", async () => {
    const { registered, outputs, asked } = await runProgram();
    const found = registered.filter(({ name, type }) => /alarm|metric|:sns\/|cloudwatch/i.test(`${name} ${type}`));
    expect(found).toEqual([]);
    expect(outputs.alarmTopics).toBeUndefined();
    expect(asked("aws:index/getRegion:getRegion")).toEqual([]);
});

describe("with an e-mail address", () => {
    let program: Awaited<ReturnType<typeof runProgram>>;
    beforeAll(async () => {
        program = await runProgram({ ...CONFIG, ...MAIL });
    });

    test("the machine, what it reports, and https and gRPC in both families have an alarm", () => {
        const { registered } = program;
        expect(names(registered, ALARM)).toEqual(sorted(...MACHINE, ...OUTSIDE));
        expect(names(registered, CHECK)).toEqual(sorted(...OUTSIDE.map((id) => `check-${id}`)));
        expect(warnings()).toEqual([]);
    });

    test("each says what is wrong, and where docs/alarms.md says what to do", () => {
        const page = readFileSync(new URL("../../docs/alarms.md", import.meta.url), "utf8");
        for (const { name, inputs } of ofType(program.registered, ALARM)) {
            const id = name.replace("linkmesh-alarms-", "");
            expect(inputs.alarmDescription).toMatch(new RegExp(`^linkmesh\\.example\\.com: .*\\. What .*"${id}"\\.$`));
            expect(page).toContain(`\n### ${id}\n`);
            expect(page).toMatch(new RegExp(`^\\| .*\`${id}\``, "m"));
        }
    });

    test("an alarm reaches the topic of its own region: those of the health checks are in us-east-1", async () => {
        const { registered, outputs } = program;
        for (const { name, inputs } of ofType(registered, ALARM)) {
            const isOutside = /ipv[46]$/.test(name);
            expect(inputs.region, name).toBe(isOutside ? "us-east-1" : "eu-central-1");
            expect(inputs.okActions, name).toEqual([OWN_TOPICS[isOutside ? 1 : 0]]);
            expect(inputs.alarmActions, name).toContain(OWN_TOPICS[isOutside ? 1 : 0]);
        }
        const mails = ofType(registered, "aws:sns/topicSubscription:TopicSubscription");
        expect(mails.map(({ inputs }) => inputs)).toEqual(
            OWN_TOPICS.map((topic, i) => ({
                ...{ topic, region: ["eu-central-1", "us-east-1"][i] },
                ...{ protocol: "email", endpoint: "platform@example.com" },
            })),
        );
        expect(await valueOf(outputs.alarmTopics)).toEqual(OWN_TOPICS);
    });

    test("in us-east-1 there is one topic", async () => {
        const { registered, outputs } = await runProgram({ ...CONFIG, ...MAIL }, { region: "us-east-1" });
        expect(names(registered, "aws:sns/topic:Topic")).toEqual(["topic-us-east-1"]);
        expect(await valueOf(outputs.alarmTopics)).toEqual([OWN_TOPICS[1]]);
    });

    test("hardware that fails recovers the machine, if its type can be recovered", async () => {
        const actions = async (instanceType: string) => {
            const { named } = await runProgram({ ...CONFIG, ...MAIL, instanceType });
            const { inputs } = named("linkmesh-alarms-recover");
            expect(inputs).toMatchObject({
                ...{ namespace: "AWS/EC2", metricName: "StatusCheckFailed_System" },
                dimensions: { InstanceId: "linkmesh-machine-instance-id" },
            });
            return inputs.alarmActions;
        };
        expect(await actions("t3.small")).toEqual(["arn:aws:automate:eu-central-1:ec2:recover", OWN_TOPICS[0]]);
        expect(await actions("m7i.metal")).toEqual([OWN_TOPICS[0]]);
    });

    test("a machine that reports nothing rings the alarms of what it should report", () => {
        const { named } = program;
        for (const item of ["linkmesh", "certificate", "renewal", "disk"]) {
            expect(named(`linkmesh-alarms-${item}`).inputs, item).toMatchObject({
                ...{ namespace: "LinkMeshProxy", metricName: "Failed", treatMissingData: "breaching" },
                dimensions: { Stack: "linkmesh-proxy/test/linkmesh", Item: item },
                ...{ statistic: "Maximum", comparisonOperator: "GreaterThanOrEqualToThreshold", threshold: 1 },
            });
        }
    });

    test("https is asked for the health URL by name at each address, gRPC by a connection", () => {
        const { named } = program;
        expect(named("linkmesh-alarms-check-https-ipv6").inputs).toMatchObject({
            ...{ type: "HTTPS", ipAddress: "2001:db8:0:100::10", port: 443, enableSni: true },
            ...{ fqdn: "linkmesh.example.com", resourcePath: "/" },
        });
        const grpc = named("linkmesh-alarms-check-grpc-ipv4").inputs;
        expect(grpc).toMatchObject({ type: "TCP", ipAddress: "203.0.113.10", port: 50051 });
        expect(Object.keys(grpc)).not.toContain("resourcePath");
        expect(named("linkmesh-alarms-https-ipv6").inputs).toMatchObject({
            ...{ namespace: "AWS/Route53", metricName: "HealthCheckStatus", statistic: "Minimum", threshold: 1 },
            dimensions: { HealthCheckId: "linkmesh-alarms-check-https-ipv6-id" },
            comparisonOperator: "LessThanThreshold",
        });
    });

    test("nothing is watched before the machine is set up, and everything is tagged", () => {
        const { registered } = program;
        for (const { name, dependsOn } of [...ofType(registered, ALARM), ...ofType(registered, CHECK)])
            expect(dependsOn.join(" "), name).toContain("::linkmesh-metrics");
        const tagged = [ALARM, CHECK, "aws:sns/topic:Topic"].flatMap((type) => ofType(registered, type));
        for (const { name, inputs } of tagged) {
            expect(inputs.tags, name).toMatchObject({
                "linkmesh-proxy-stack": "linkmesh-proxy/test/linkmesh",
                Name: expect.stringMatching(/^linkmesh-alarms/) as string,
            });
        }
    });

    test("the machine's role may write metrics of the program's namespace only", () => {
        const { registered, named } = program;
        const policies = ofType(registered, "aws:iam/rolePolicy:RolePolicy").map(({ name }) => name);
        expect(policies).toEqual(["linkmesh-instance-metrics"]);
        expect(JSON.parse(named("linkmesh-instance-metrics").inputs.policy as string)).toMatchObject({
            Statement: [
                {
                    Action: "cloudwatch:PutMetricData",
                    Condition: { StringEquals: { "cloudwatch:namespace": "LinkMeshProxy" } },
                },
            ],
        });
        const text = reveal<string>(named("linkmesh-metrics").inputs.stdin);
        expect(text).toContain(
            "REGION='eu-central-1'\nNAMESPACE='LinkMeshProxy'\nSTACK='linkmesh-proxy/test/linkmesh'",
        );
    });

    test("paused, nothing is watched, and nobody has to confirm again", async () => {
        const { registered } = await runProgram({ ...CONFIG, ...MAIL, paused: "true" });
        expect([...ofType(registered, ALARM), ...ofType(registered, CHECK)]).toEqual([]);
        expect(names(registered, "aws:sns/topic:Topic")).toEqual(["topic-eu-central-1", "topic-us-east-1"]);
        expect(names(registered, "aws:sns/topicSubscription:TopicSubscription")).toHaveLength(2);
    });

    test("a destroy of a protected stack stops before the alarms", async () => {
        const { registered } = await runProgram({ ...CONFIG, ...MAIL, protect: "true" });
        const alarms = ofType(registered, ALARM).map(({ urn }) => urn.split("::").at(-1)!);
        const { dependsOn } = registered.find(({ name }) => name === "linkmesh-setting-protect")!;
        const waitedFor = dependsOn.map((urn) => urn.split("::").at(-1)!);
        expect(waitedFor).toEqual(expect.arrayContaining(alarms));
    });
});

test("topics of the user's get the alarms of their regions, and no topic is made", async () => {
    const { registered, outputs } = await runProgram({ ...CONFIG, alarms: TOPICS.join(",") });
    expect(names(registered, "aws:sns/topic:Topic")).toEqual([]);
    for (const { name, inputs } of ofType(registered, ALARM))
        expect(inputs.okActions, name).toEqual([TOPICS[/ipv[46]$/.test(name) ? 1 : 0]]);
    expect(await valueOf(outputs.alarmTopics)).toEqual(TOPICS);
});

describe("what cannot be checked from outside", () => {
    test.each<[what: string, config: Record<string, string>, checked: string[], sentence: RegExp[]]>([
        ["gRPC off", { grpc: "false" }, ["https-ipv4", "https-ipv6"], []],
        ["gRPC by name, which shares port 443", { grpcDomain: "grpc.example.com" }, ["https-ipv4", "https-ipv6"], []],
        ["a subnet without IPv6", { subnetId: "subnet-0004" }, ["https-ipv4", "grpc-ipv4"], []],
        [
            "https for some networks",
            { httpsAllowedCidrs: "198.51.100.0/24,2001:db8::/32" },
            ["grpc-ipv4", "grpc-ipv6"],
            [
                /^alarms: https is not checked from outside, because httpsAllowedCidrs keeps Route 53's health checkers out/,
            ],
        ],
        [
            "gRPC for all of IPv4 and some of IPv6",
            { grpcAllowedCidrs: "0.0.0.0/0,2001:db8::/32" },
            ["https-ipv4", "https-ipv6", "grpc-ipv4"],
            [
                /^alarms: grpc is not checked from outside in the other address family than ipv4, because grpcAllowedCidrs/,
            ],
        ],
        [
            "a private network",
            { subnetId: "subnet-0aaaa", publicAddress: "false", acmeChallenge: "dns-01" },
            [],
            [/^alarms: nothing is checked from outside, because publicAddress is false/],
        ],
    ])("%s: no check, and a warning if the setting is not about it", async (_, config, checked, sentences) => {
        const { registered } = await runProgram({ ...CONFIG, ...MAIL, ...config });
        expect(names(registered, ALARM)).toEqual(sorted(...MACHINE, ...checked));
        expect(names(registered, CHECK)).toEqual(sorted(...checked.map((id) => `check-${id}`)));
        expect(warnings()).toEqual(sentences.map((sentence) => expect.stringMatching(sentence) as string));
    });

    test("without checks from outside, no receiver in us-east-1 is needed", async () => {
        const closed = { httpsAllowedCidrs: "198.51.100.0/24", grpc: "false" };
        const { registered } = await runProgram({ ...CONFIG, ...closed, alarms: TOPICS[0]! });
        expect(names(registered, ALARM)).toEqual(sorted(...MACHINE));
        expect(names((await runProgram({ ...CONFIG, ...closed, ...MAIL })).registered, "aws:sns/topic:Topic")).toEqual([
            "topic-eu-central-1",
        ]);
    });
});

test("the role has no more rights than each mode needs", async () => {
    const policies = async (config: Record<string, string>) =>
        ofType((await runProgram({ ...CONFIG, ...config })).registered, "aws:iam/rolePolicy:RolePolicy").map(
            ({ name }) => name.replace("linkmesh-instance-", ""),
        );
    expect(await policies({})).toEqual([]);
    expect(await policies({ acmeChallenge: "dns-01" })).toEqual(["policy"]);
    expect(await policies({ acmeChallenge: "dns-01", ...MAIL })).toEqual(["policy", "metrics"]);
});
