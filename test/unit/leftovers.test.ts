import { execa } from "execa";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";

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
    const result = await execa(process.execPath, ["--import", "tsx", "checks/leftovers-cli.ts", ...args], {
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
        "i-0left  aws ec2 terminate-instances --instance-ids i-0left",
        "policy-0left  aws dlm delete-lifecycle-policy --policy-id policy-0left",
        "eipalloc-0left  aws ec2 release-address --allocation-id eipalloc-0left",
        "vol-0left  aws ec2 delete-volume --volume-id vol-0left",
        "vpc-0left  aws ec2 delete-vpc --vpc-id vpc-0left",
        expect.stringMatching(/^Before you delete: /),
    ]);
    const list = `aws resourcegroupstaggingapi get-resources --tag-filters Key=linkmesh-proxy-stack,Values=${TAG}`;
    expect(found.calls).toEqual([
        "pulumi stack export",
        ...["eu-central-1", "us-east-1"].map((region) => `${list} --output json --region ${region}`),
    ]);
});

test("an empty state has no tag, so the tag is an argument", async () => {
    const refused = await run({ deployment: {} }, []);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(/^error: the state does not hold the tag linkmesh-proxy-stack: name its value, /);
    const found = await run({ deployment: {} }, [`${ARN}vpc/vpc-0left`], "p/dev/linkmesh", "--stack", "dev");
    expect(found.stdout).toMatch(/^vpc-0left {2}aws ec2 delete-vpc --vpc-id vpc-0left\n/);
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
