import { execa } from "execa";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { leftovers } from "../../checks/leftovers.ts";
import { STACK_TAG } from "../../components/cloud/stack-tag.ts";
import { evaluate } from "../../lab/providers/aws/policy-evaluation.ts";
import { DOCUMENTS } from "../../lab/providers/aws/rights/deployer.ts";
import { CONFIG, runProgram } from "./program.ts";
import { TIER } from "./tier-settings.ts";

const ROOT = join(import.meta.dirname, "../..");
const dir = mkdtempSync(join(tmpdir(), "linkmesh-leftovers-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const ARN = "arn:aws:ec2:eu-central-1:123456789012:";
const TAG = "linkmesh-proxy/prod/linkmesh";
const STATE = {
    deployment: {
        resources: [
            {
                urn: "urn:pulumi:prod::linkmesh-proxy::pulumi:providers:aws::default",
                type: "pulumi:providers:aws",
                inputs: { region: "eu-central-1" },
            },
            { type: "aws:ebs/volume:Volume", id: "vol-0known", inputs: { tags: { "linkmesh-proxy-stack": TAG } } },
            {
                type: "aws:ec2/instance:Instance",
                id: "i-0known",
                outputs: { rootBlockDevice: { volumeId: "vol-0root" } },
            },
        ],
        pending_operations: [
            { type: "creating", resource: { urn: "urn:pulumi:prod::p::aws:ec2/eip:Eip::linkmesh-machine-address" } },
        ],
    },
};

/** The tool with stand-ins for both commands, which print their arguments. */
async function run(state: object, arns: string[], ...args: string[]) {
    const list = { ResourceTagMappingList: arns.map((ResourceARN) => ({ ResourceARN })) };
    const answers = { pulumi: JSON.stringify(state, null, 4), aws: JSON.stringify(list) };
    for (const [name, answer] of Object.entries(answers)) {
        writeFileSync(join(dir, `${name}.json`), answer);
        writeFileSync(join(dir, name), `#!/bin/sh\necho "${name} $*" >>${dir}/calls\ncat ${dir}/${name}.json\n`, {
            mode: 0o755,
        });
    }
    writeFileSync(join(dir, "calls"), "");
    const result = await execa(process.execPath, ["run.js", "checks/leftovers-cli.ts", ...args], {
        cwd: ROOT,
        env: { PATH: [dir, dirname(process.execPath), process.env.PATH].join(delimiter) },
        reject: false,
    });
    const { stdout: calls } = await execa("cat", [join(dir, "calls")]);
    return { ...result, calls: calls.split("\n") };
}

test("resources with the tag that the state lacks are listed with the command that deletes each, except snapshots and root disks", async () => {
    const known = ["volume/vol-0known", "volume/vol-0root", "instance/i-0known", "snapshot/snap-0a"];
    const left = ["vpc/vpc-0left", "volume/vol-0left", "elastic-ip/eipalloc-0left", "instance/i-0left"];
    const arns = [...known, ...left].map((name) => ARN + name);
    const topic = "arn:aws:sns:eu-central-1:123456789012:linkmesh-0left";
    const others = [
        "arn:aws:dlm:eu-central-1:123456789012:policy/policy-0left",
        "arn:aws:cloudwatch:us-east-1:123456789012:alarm:linkmesh-disk-0left",
        ...["arn:aws:route53:::healthcheck/0-left", topic],
    ];
    const found = await run(STATE, [...arns, ...others]);
    expect(found.stdout.split("\n")).toEqual([
        "interrupted while creating: linkmesh-machine-address",
        "linkmesh-disk-0left  aws cloudwatch delete-alarms --region us-east-1 --alarm-names linkmesh-disk-0left",
        "0-left  aws route53 delete-health-check --health-check-id 0-left",
        `${topic}  aws sns delete-topic --region eu-central-1 --topic-arn ${topic}`,
        "i-0left  aws ec2 terminate-instances --region eu-central-1 --instance-ids i-0left",
        "policy-0left  aws dlm delete-lifecycle-policy --region eu-central-1 --policy-id policy-0left",
        "eipalloc-0left  aws ec2 release-address --region eu-central-1 --allocation-id eipalloc-0left",
        "vol-0left  aws ec2 delete-volume --region eu-central-1 --volume-id vol-0left",
        "vpc-0left  aws ec2 delete-vpc --region eu-central-1 --vpc-id vpc-0left",
        expect.stringMatching(/^Before you delete: /),
    ]);
    const list = `aws resourcegroupstaggingapi get-resources --tag-filters Key=linkmesh-proxy-stack,Values=${TAG}`;
    expect(found.calls).toEqual([
        "pulumi stack export",
        ...["eu-central-1", "us-east-1"].map((region) => `${list} --output json --region ${region}`),
    ]);
});

const BALANCING = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:";
const CERTIFICATE = "arn:aws:acm:eu-central-1:123456789012:certificate/00000000-0000-4000-8000-00000000000";

test("what several nodes leave is listed in the order in which AWS deletes it: listener, load balancer, target group, certificate, address, security group", () => {
    const known = ["loadbalancer/net/linkmesh-lb-1/1", "targetgroup/linkmesh-lb-1/1", "listener/net/linkmesh-lb-1/1/1"];
    const balancer = `${BALANCING}loadbalancer/net/linkmesh-lb-2/2`;
    const group = `${BALANCING}targetgroup/linkmesh-lb-2/2`;
    const listener = `${BALANCING}listener/net/linkmesh-lb-1/1/2`;
    const arns = [
        ...[`${ARN}security-group/sg-0left`, `${ARN}elastic-ip/eipalloc-0left`, `${CERTIFICATE}1`, `${CERTIFICATE}2`],
        ...[group, balancer, listener, ...known.map((name) => BALANCING + name)],
    ];
    const state = JSON.stringify([...known.map((name) => ({ id: BALANCING + name })), { id: `${CERTIFICATE}1` }]);
    expect(leftovers(arns, state).map(({ command }) => command)).toEqual([
        `aws elbv2 delete-listener --region eu-central-1 --listener-arn ${listener}`,
        `aws elbv2 delete-load-balancer --region eu-central-1 --load-balancer-arn ${balancer}`,
        `aws elbv2 delete-target-group --region eu-central-1 --target-group-arn ${group}`,
        `aws acm delete-certificate --region eu-central-1 --certificate-arn ${CERTIFICATE}2`,
        "aws ec2 release-address --region eu-central-1 --allocation-id eipalloc-0left",
        "aws ec2 delete-security-group --region eu-central-1 --group-id sg-0left",
    ]);
});

/** The ARN of each resource type of a stack, as AWS lists it. */
const LISTED = {
    "aws:acm/certificate:Certificate": `${CERTIFICATE}0`,
    "aws:cloudwatch/metricAlarm:MetricAlarm": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:linkmesh-disk-1",
    "aws:dlm/lifecyclePolicy:LifecyclePolicy": "arn:aws:dlm:eu-central-1:123456789012:policy/policy-1",
    "aws:ebs/volume:Volume": `${ARN}volume/vol-1`,
    "aws:ec2/eip:Eip": `${ARN}elastic-ip/eipalloc-1`,
    "aws:ec2/instance:Instance": `${ARN}instance/i-1`,
    "aws:ec2/internetGateway:InternetGateway": `${ARN}internet-gateway/igw-1`,
    "aws:ec2/networkInterface:NetworkInterface": `${ARN}network-interface/eni-1`,
    "aws:ec2/routeTable:RouteTable": `${ARN}route-table/rtb-1`,
    "aws:ec2/securityGroup:SecurityGroup": `${ARN}security-group/sg-1`,
    "aws:ec2/subnet:Subnet": `${ARN}subnet/subnet-1`,
    "aws:ec2/vpc:Vpc": `${ARN}vpc/vpc-1`,
    "aws:lb/listener:Listener": `${BALANCING}listener/net/linkmesh-lb-front-1/1/1`,
    "aws:lb/loadBalancer:LoadBalancer": `${BALANCING}loadbalancer/net/linkmesh-lb-front-1/1`,
    "aws:lb/targetGroup:TargetGroup": `${BALANCING}targetgroup/linkmesh-lb-https-1/1`,
    "aws:route53/healthCheck:HealthCheck": "arn:aws:route53:::healthcheck/1",
    "aws:sns/topic:Topic": "arn:aws:sns:eu-central-1:123456789012:linkmesh-alarms-1",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": `${ARN}security-group-rule/sgr-1`,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": `${ARN}security-group-rule/sgr-2`,
};

test("everything of a stack that has the tag is listed, except roles, which AWS does not find by a tag", async () => {
    const modes: Record<string, string>[] = [TIER, { alarms: "a@example.com", dailySnapshots: "7" }];
    const types = new Set<string>();
    for (const mode of modes) {
        const { registered } = await runProgram({ ...CONFIG, ...mode });
        for (const { type, inputs } of registered) {
            const { tags = {} } = inputs as { tags?: object };
            if (STACK_TAG in tags && !type.startsWith("aws:iam/")) types.add(type);
        }
    }
    expect([...types].sort()).toEqual(Object.keys(LISTED).sort());
    expect(leftovers(Object.values(LISTED), "{}")).toHaveLength(types.size);
});

test.each(Object.entries(LISTED))("the deployer may run the command that deletes a leftover of %s", (_, arn) => {
    const [{ command } = { command: "" }] = leftovers([arn], "{}");
    const calls = [...command.matchAll(/\baws (\w+) ([\w-]+)/g)].map(([, service, verb]) => {
        const name = verb!.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
        return `${service === "elbv2" ? "elasticloadbalancing" : service}:${name}`;
    });
    expect(calls).not.toEqual([]);
    const context = { "aws:ResourceTag/Name": ["linkmesh-x"] };
    const refused = calls.filter((action) => !evaluate(Object.values(DOCUMENTS), { action, resource: arn, context }));
    expect(refused).toEqual([]);
});

test("an empty state has no tag, so the tag is an argument", async () => {
    const refused = await run({ deployment: {} }, []);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(/^error: the state does not hold the tag linkmesh-proxy-stack: name its value, /);
    const found = await run({ deployment: {} }, [`${ARN}vpc/vpc-0left`], "p/dev/linkmesh", "--stack", "dev");
    expect(found.stdout).toMatch(/^vpc-0left {2}aws ec2 delete-vpc --region eu-central-1 --vpc-id vpc-0left\n/);
    expect(found.calls[0]).toBe("pulumi stack export --stack dev");
    expect((await run(STATE, [])).stdout).toContain(`no leftovers of ${TAG}`);
});

test("resources with another stack's tag are in use there, and are not listed", async () => {
    const found = await run(STATE, [`${ARN}instance/i-0theirs`], "linkmesh-proxy/dev/linkmesh");
    expect([found.exitCode, found.stdout]).toEqual([1, ""]);
    expect(found.stderr).toMatch(
        /^error: linkmesh-proxy\/dev\/linkmesh is not a tag of the selected stack linkmesh-proxy\/prod: [^\n]*\.$/,
    );
});
