import { describe, expect, it } from "vitest";
import { allows, wrongPolicy } from "../../lab/providers/aws/policy.ts";
import type { AccessRequest } from "../../lab/providers/aws/policy-evaluation.ts";
import type { Values } from "../../lab/providers/property-values.ts";

const NAMES = "route53:ChangeResourceRecordSetsNormalizedRecordNames";
const TYPES = "route53:ChangeResourceRecordSetsRecordTypes";
const ACTIONS = "route53:ChangeResourceRecordSetsActions";

const change = {
    Effect: "Allow",
    Action: "route53:ChangeResourceRecordSets",
    Resource: "arn:aws:route53:::hostedzone/Z1",
    Condition: {
        "ForAllValues:StringEquals": {
            [NAMES]: ["_acme-challenge.host.example.test"],
            [TYPES]: ["TXT"],
            [ACTIONS]: ["UPSERT", "DELETE"],
        },
        Null: { [NAMES]: "false", [TYPES]: "false", [ACTIONS]: "false" },
    },
};
const statements = [
    { Effect: "Allow", Action: "route53:ListHostedZones", Resource: "*" },
    { Effect: "Allow", Action: "route53:GetChange", Resource: "arn:aws:route53:::change/*" },
    change,
];
const policy = (...all: Values[]) => JSON.stringify({ Version: "2012-10-17", Statement: all });
const acme = policy(...statements);

function changing(given: { zone?: string; name?: string; type?: string; action?: string; more?: string }) {
    const { zone = "Z1", name = "_acme-challenge.host.example.test", type = "TXT", action = "UPSERT", more } = given;
    return {
        action: "route53:ChangeResourceRecordSets",
        resource: `arn:aws:route53:::hostedzone/${zone}`,
        context: { [NAMES]: more ? [name, more] : [name], [TYPES]: [type], [ACTIONS]: [action] },
    } satisfies AccessRequest;
}

describe("the policy of a host that orders its certificate by DNS", () => {
    it.each<AccessRequest>([
        { action: "route53:ListHostedZones", resource: "*" },
        { action: "route53:GetChange", resource: "arn:aws:route53:::change/C1" },
        changing({}),
        changing({ action: "DELETE" }),
    ])("allows %j", (request) => {
        expect(wrongPolicy(acme)).toBeUndefined();
        expect(allows([acme], request)).toBe(true);
    });

    it.each<AccessRequest>([
        changing({ name: "host.example.test" }),
        changing({ name: "_acme-challenge.other.example.test" }),
        changing({ more: "other.example.test" }),
        changing({ type: "A" }),
        changing({ action: "CREATE" }),
        changing({ zone: "Z2" }),
        { action: "route53:ChangeResourceRecordSets", resource: "arn:aws:route53:::hostedzone/Z1" },
        { action: "route53:GetChange", resource: "arn:aws:route53:::hostedzone/Z1" },
    ])("denies %j", (request) => {
        expect(allows([acme], request)).toBe(false);
    });
});

describe("policies", () => {
    it("allow nothing if there are none", () => {
        expect(allows([], { action: "route53:ListHostedZones", resource: "*" })).toBe(false);
        expect(allows([], changing({}))).toBe(false);
    });

    it("add up, and a denial wins", () => {
        const list = { action: "route53:ListHostedZones", resource: "*" } as const;
        expect(allows([acme, policy({ ...change, Resource: "*", Condition: {} })], changing({ zone: "Z2" }))).toBe(
            true,
        );
        expect(allows([acme, policy({ Effect: "Deny", Action: list.action, Resource: "*" })], list)).toBe(false);
    });

    it("apply if a key is missing, unless they require it", () => {
        const { Null, ...loose } = change.Condition;
        expect(Object.keys(Null)).toHaveLength(3);
        const { action, resource } = changing({});
        expect(allows([policy({ ...change, Condition: loose })], { action, resource })).toBe(true);
    });

    it("compare with wildcards in StringLike", () => {
        const like = { ...change, Condition: { "ForAllValues:StringLike": { [NAMES]: "*.example.test" } } };
        expect(allows([policy(like)], changing({ name: "a.example.test" }))).toBe(true);
        expect(allows([policy(like)], changing({ name: "example.test" }))).toBe(false);
        const equals = { ...change, Condition: { "ForAllValues:StringEquals": { [NAMES]: "*.example.test" } } };
        expect(allows([policy(equals)], changing({ name: "a.example.test" }))).toBe(false);
    });

    it.each<[text: string, reason: RegExp]>([
        ["{", /invalid JSON/],
        [JSON.stringify({ Statement: statements }), /Version/],
        [policy({ ...change, Action: "route53:*" }), /Action/],
        [policy({ ...change, Action: "s3:GetObject" }), /Action/],
        [policy({ ...change, Resource: "arn:aws:s3:::bucket" }), /Resource/],
        [policy({ ...change, NotAction: "route53:GetChange" }), /NotAction/],
        [policy({ ...change, Condition: { StringEquals: { [NAMES]: "a" } } }), /StringEquals/],
        [policy({ ...change, Condition: { "ForAllValues:StringEquals": { "aws:SourceIp": "a" } } }), /aws:SourceIp/],
        [policy({ ...change, Condition: { "ForAllValues:StringEquals": { [NAMES]: "${aws:x}" } } }), /variables/],
        [policy({ ...change, Condition: { Null: { [NAMES]: "no" } } }), /Null/],
    ])("%s is refused, because the lab does not evaluate it", (text, reason) => {
        expect(wrongPolicy(text)).toMatch(reason);
    });
});
