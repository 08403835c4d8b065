import { expect, test } from "vitest";
import { Caller } from "../../lab/providers/aws/rights/caller.ts";
import { DOCUMENTS } from "../../lab/providers/aws/rights/deployer.ts";
import type { Values } from "../../lab/providers/property-values.ts";
import { TestCa } from "../host/test-ca.ts";
import { type Made, TestCloud } from "./lab-aws-cloud.ts";
import { CONFIG, reveal, runProgram } from "./program.ts";
import { TIER } from "./tier-settings.ts";

/** Of a resource in the mocks: what others refer to. */
const MOCKED_IPV6 = "2001:db8:0:1";

test("AWS makes a tier with the documented rights, changes it, and leaves nothing of it", async () => {
    const ca = await TestCa.create("CN=own");
    const { cert, key } = await ca.issue(["linkmesh.example.com"]);
    const program = await runProgram({
        ...{ ...CONFIG, ...TIER, protect: "true" },
        ...{ tlsCertificate: `${cert}\n${ca.pem}`, tlsPrivateKey: key },
    });
    const cloud = TestCloud.create(undefined, new Caller(Object.values(DOCUMENTS)));
    const before = await cloud.state();
    const known = new Map<string, string>([["ami-0newest", "ami-0debian13labamd64"]]);
    const real = (inputs: Record<string, unknown>): Values => {
        let text = JSON.stringify(inputs, (_, value: unknown) => reveal<unknown>(value));
        for (const [mocked, made] of known) text = text.replaceAll(mocked, made);
        return JSON.parse(text) as Values;
    };
    const made: Made[] = [];
    // Each comes after what it refers to.
    for (const { type, name, inputs } of program.registered) {
        if (!type.startsWith("aws:") || type.startsWith("aws:route53/")) continue;
        const one = await cloud.make(type, real(inputs), name, name);
        made.push(one);
        const quoted = (text: string) => JSON.stringify(text);
        known.set(quoted(`${name}-id`), quoted(one.id));
        for (const kind of ["elasticloadbalancing", "acm"]) {
            const middle = kind === "acm" ? "certificate/" : "";
            known.set(`"arn:aws:${kind}:here:000000000000:${middle}${name}"`, quoted(one.id));
        }
        if (type.startsWith("aws:iam/")) known.set(quoted(`generated-${name}`), quoted(one.id));
        if (type === "aws:ec2/vpc:Vpc") {
            known.set(MOCKED_IPV6, (one.outputs.ipv6CidrBlock as string).replace("00::/56", ""));
        }
        if (type === "aws:ec2/eip:Eip") known.set(`"eipalloc-${name.at(-1)!}"`, quoted(one.id));
    }
    const balancer = made.find(({ type }) => type === "aws:lb/loadBalancer:LoadBalancer")!;
    expect(Object.values((await cloud.state()).targetGroups)).toHaveLength(3);
    await expect(cloud.delete(balancer)).rejects.toThrow("deletion protection is enabled");
    const lifted = await cloud.update(balancer, { ...balancer.inputs, enableDeletionProtection: false });
    for (const one of made.reverse()) await cloud.delete(one.id === lifted.id ? lifted : one);
    const after = await cloud.state();
    for (const kind of ["vpcs", "instances", "loadBalancers", "targetGroups", "certificates", "addresses"] as const) {
        expect([kind, after[kind]]).toEqual([kind, before[kind]]);
    }
});
