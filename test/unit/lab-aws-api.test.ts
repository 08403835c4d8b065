import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import { beforeEach, describe, expect, it } from "vitest";
import { ZONE_ID } from "../../lab/cloud/state.ts";
import type { Request } from "../../lab/services/aws/http.ts";
import { answerMetadata } from "../../lab/services/aws/metadata.ts";
import { Route53 } from "../../lab/services/aws/route53.ts";
import { type Credentials, Sessions } from "../../lab/services/aws/sessions.ts";
import { TestCloud } from "./lab-aws-cloud.ts";

const document = (...statements: object[]) => JSON.stringify({ Version: "2012-10-17", Statement: statements });
const assumeRolePolicy = (Service: string) =>
    document({ Effect: "Allow", Principal: { Service }, Action: "sts:AssumeRole" });
const CHANGE = "route53:ChangeResourceRecordSets";
const policy = document(
    { Effect: "Allow", Action: "route53:ListHostedZones", Resource: "*" },
    { Effect: "Allow", Action: "route53:GetChange", Resource: "arn:aws:route53:::change/*" },
    {
        Effect: "Allow",
        Action: CHANGE,
        Resource: `arn:aws:route53:::hostedzone/${ZONE_ID}`,
        Condition: {
            "ForAllValues:StringEquals": {
                [`${CHANGE}NormalizedRecordNames`]: ["_acme-challenge.host.example.test"],
                [`${CHANGE}RecordTypes`]: ["TXT"],
                [`${CHANGE}Actions`]: ["UPSERT", "DELETE"],
            },
            Null: { [`${CHANGE}NormalizedRecordNames`]: "false" },
        },
    },
);

const sessions = new Sessions("key");
let cloud: TestCloud;
beforeEach(async () => {
    cloud = TestCloud.create();
    await cloud.make("Role", { name: "r", assumeRolePolicy: assumeRolePolicy("ec2.amazonaws.com") });
    await cloud.make("RolePolicy", { role: "r", policy });
    await cloud.make("InstanceProfile", { name: "p", role: "r" });
});

function request(given: Partial<Request>): Request {
    const [path = "", query] = (given.path ?? "/").split("?");
    return { method: "GET", headers: {}, body: "", address: "", ...given, path, query: new URLSearchParams(query) };
}

describe("the instance metadata service", () => {
    const ROOT = "/latest/meta-data/iam/security-credentials/";
    const TTL = "x-aws-ec2-metadata-token-ttl-seconds";

    async function machine(profile?: string, metadataOptions = {}) {
        const { card, gateway, vpc, subnet } = await cloud.network();
        expect([gateway, vpc, subnet]).toHaveLength(3);
        const address = await cloud.make("Eip", { domain: "vpc" });
        await cloud.make("EipAssociation", { allocationId: address.id, networkInterfaceId: card.id });
        const { id } = await cloud.instance(card, { metadataOptions, ...(profile && { iamInstanceProfile: profile }) });
        return { id, address: address.outputs.publicIp as string };
    }

    async function ask(given: Partial<Request>, now?: number) {
        return answerMetadata(await cloud.state(), sessions, request(given), now);
    }

    async function token(address: string) {
        const answer = await ask({ address, method: "PUT", path: "/latest/api/token", headers: { [TTL]: "60" } });
        return { "x-aws-ec2-metadata-token": answer.body };
    }

    it("returns the role of the machine that asks", async () => {
        const { address, id } = await machine("p");
        const headers = await token(address);
        expect(await ask({ address, headers, path: ROOT })).toMatchObject({ status: 200, body: "r" });
        const answer = await ask({ address, headers, path: `${ROOT}r` });
        const given = JSON.parse(answer.body) as Record<string, string>;
        expect(given).toMatchObject({ Code: "Success", AccessKeyId: expect.stringMatching(/^ASIA/) as string });
        expect(sessions.open(given.AccessKeyId!, given.Token!)).toMatchObject({
            session: { role: "r", instanceId: id },
            secretAccessKey: given.SecretAccessKey,
        });
        expect((await ask({ address, headers, path: `${ROOT}other` })).status).toBe(404);
        const region = await ask({ address, headers, path: "/latest/meta-data/placement/region" });
        expect(region.body).toBe("eu-central-1");
    });

    it("requires an unexpired token of the same machine", async () => {
        const { address } = await machine("p");
        expect((await ask({ address, path: ROOT })).status).toBe(401);
        const foreign = { "x-aws-ec2-metadata-token": sessions.seal({ metadata: "i-1", expires: Infinity }) };
        expect((await ask({ address, path: ROOT, headers: foreign })).status).toBe(401);
        const headers = await token(address);
        expect((await ask({ address, path: ROOT, headers }, Date.now() + 61_000)).status).toBe(401);
        const put = { address, method: "PUT", path: "/latest/api/token" };
        expect((await ask(put)).status).toBe(400);
        expect((await ask({ ...put, headers: { [TTL]: "21601" } })).status).toBe(400);
        expect((await ask({ ...put, headers: { [TTL]: "60", "x-forwarded-for": "a" } })).status).toBe(403);
    });

    it("has no role for a machine without a profile, and no answer for an unknown address", async () => {
        const { address } = await machine();
        const headers = await token(address);
        expect((await ask({ address, path: ROOT, headers })).status).toBe(404);
        expect((await ask({ address: "10.0.0.9", path: "/latest/api/token", method: "PUT" })).status).toBe(404);
    });

    it("does not answer a machine that has disabled it", async () => {
        const { address } = await machine("p", { httpEndpoint: "disabled" });
        const put = { address, method: "PUT", path: "/latest/api/token", headers: { [TTL]: "60" } };
        expect((await ask(put)).status).toBe(403);
        expect((await ask({ address, path: ROOT, headers: await token(address) })).status).toBe(403);
    });

    it("needs no token if tokens are optional, but refuses a wrong one", async () => {
        const { address } = await machine("p", { httpTokens: "optional" });
        expect(await ask({ address, path: ROOT })).toMatchObject({ status: 200, body: "r" });
        const headers = { "x-aws-ec2-metadata-token": "wrong" };
        expect((await ask({ address, path: ROOT, headers })).status).toBe(401);
    });

    it("does not return a role that EC2 may not assume", async () => {
        await cloud.make("Role", { name: "d", assumeRolePolicy: assumeRolePolicy("dlm.amazonaws.com") });
        await cloud.make("InstanceProfile", { name: "q", role: "d" });
        const { address } = await machine("q");
        const answer = await ask({ address, headers: await token(address), path: `${ROOT}d` });
        expect(JSON.parse(answer.body)).toMatchObject({ Code: "AssumeRoleUnauthorizedAccess" });
    });
});

describe("Route 53's API", () => {
    const RRSET = `/2013-04-01/hostedzone/${ZONE_ID}/rrset/`;
    const NAME = "_acme-challenge.host.example.test";
    let api: Route53;
    let credentials: Credentials;
    beforeEach(() => {
        api = new Route53(cloud.store, sessions);
        credentials = session("r");
    });

    function session(role: string, expires = Date.now() + 60_000) {
        return sessions.issue({ role, instanceId: "i-1", expires });
    }

    async function signed(given: Partial<Request>, time = new Date(), region = "us-east-1"): Promise<Request> {
        const signer = new SignatureV4({
            credentials: { ...credentials, sessionToken: credentials.token },
            region,
            service: "route53",
            sha256: Sha256,
        });
        const plain = request(given);
        const hostname = "route53.amazonaws.com";
        const query = Object.fromEntries(plain.query);
        const { headers } = await signer.sign(
            { ...plain, query, protocol: "https:", hostname, headers: { host: hostname } },
            { signingDate: time },
        );
        return { ...plain, headers };
    }

    const change = (given: { action?: string; name?: string; type?: string; value?: string; ttl?: number }) => {
        const { action = "UPSERT", name = `${NAME}.`, type = "TXT", value = '"a&amp;b"', ttl = 10 } = given;
        return (
            `<Change><Action>${action}</Action><ResourceRecordSet><Name>${name}</Name><Type>${type}</Type>` +
            `<TTL>${ttl}</TTL><ResourceRecords><ResourceRecord><Value>${value}</Value></ResourceRecord></ResourceRecords>` +
            `</ResourceRecordSet></Change>`
        );
    };
    const batch = (...changes: string[]) =>
        `<?xml version="1.0"?><ChangeResourceRecordSetsRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/">` +
        `<ChangeBatch><Changes>${changes.join("")}</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>`;
    const post = async (...changes: string[]) =>
        api.answer(await signed({ method: "POST", path: RRSET, body: batch(...changes) }));
    const record = "<ResourceRecord><Value>&quot;b&quot;</Value></ResourceRecord>";
    const code = ({ body }: { body: string }) => /<Code>(.*)<\/Code>/.exec(body)?.[1];

    it("lists the zone, changes its records and reports when the change is in sync", async () => {
        const zones = await api.answer(await signed({ path: "/2013-04-01/hostedzone?maxitems=9&marker=a%2Fb" }));
        expect(zones).toMatchObject({ status: 200, type: "text/xml" });
        expect(zones.body).toContain(`<Id>/hostedzone/${ZONE_ID}</Id><Name>example.test.</Name>`);
        const changed = await post(change({}));
        expect(changed.body).toContain("<Status>PENDING</Status>");
        const { records } = await cloud.state();
        expect(Object.values(records)).toEqual([{ name: NAME, type: "TXT", ttl: 10, values: ['"a&b"'] }]);
        const [, id] = /<Id>(.*)<\/Id>/.exec(changed.body) ?? [];
        const told = await api.answer(await signed({ path: `/2013-04-01${id}` }));
        expect(told.body).toContain("<Status>INSYNC</Status>");
        expect(code(await api.answer(await signed({ path: "/2013-04-01/change/C0" })))).toBe("NoSuchChange");
        expect((await post(change({ action: "DELETE" }))).status).toBe(200);
        expect((await cloud.state()).records).toEqual({});
    });

    it.each([
        change({ name: "host.example.test" }),
        change({ type: "A", value: "192.0.2.1" }),
        change({ action: "CREATE" }),
        change({}) + change({ name: "other.example.test" }),
    ])("denies what the role does not allow: %s", async (wrong) => {
        const answer = await post(wrong);
        expect([answer.status, code(answer)]).toEqual([403, "AccessDenied"]);
        expect(answer.body).toContain(`assumed-role/r/i-1 is not authorized to perform: ${CHANGE} on resource: `);
        expect((await cloud.state()).records).toEqual({});
    });

    it("denies another zone, and a role that is gone", async () => {
        const body = batch(change({}));
        const other = { method: "POST", path: "/2013-04-01/hostedzone/Z1/rrset/", body };
        expect(code(await api.answer(await signed(other)))).toBe("AccessDenied");
        credentials = session("gone");
        expect(code(await api.answer(await signed({ path: "/2013-04-01/hostedzone" })))).toBe("AccessDenied");
    });

    it.each<[changes: string, code: string, message: RegExp]>([
        [change({ action: "DELETE" }), "InvalidChangeBatch", /but it was not found/],
        [change({}) + change({ action: "DELETE", ttl: 11 }), "InvalidChangeBatch", /do not match the current values/],
        [change({ value: "bare" }), "InvalidChangeBatch", /enclosed in quotation marks/],
        [change({ value: `"${"x".repeat(256)}"` }), "InvalidChangeBatch", /CharacterStringTooLong/],
        [
            change({ value: '"a"' }).replace("</ResourceRecords>", (end) => `${record}${record}${end}`),
            "InvalidChangeBatch",
            /Duplicate Resource Record/,
        ],
        [change({}).replace("<TTL>10</TTL>", "<SetIdentifier>a</SetIdentifier>"), "InvalidInput", /SetIdentifier/],
        ["", "InvalidInput", /Changes/],
        ["<Change>", "MalformedInput", /not XML/],
    ])("refuses %s", async (changes, expected, message) => {
        const answer = await post(changes);
        expect([answer.status, code(answer)]).toEqual([400, expected]);
        expect(answer.body).toMatch(message);
        expect((await cloud.state()).records).toEqual({});
    });

    it("checks the signature", async () => {
        const given = { path: "/2013-04-01/hostedzone" };
        const refused = async (bad: Request) => code(await api.answer(bad));
        const good = await signed(given);
        const { authorization = "" } = good.headers;
        expect(await refused(request(given))).toBe("MissingAuthenticationToken");
        expect(await refused({ ...good, headers: { ...good.headers, authorization: "Basic x" } })).toBe(
            "IncompleteSignature",
        );
        expect(await refused({ ...good, path: `${given.path}/x` })).toBe("SignatureDoesNotMatch");
        expect(await refused({ ...good, method: "POST" })).toBe("SignatureDoesNotMatch");
        expect(await refused({ ...good, body: "x" })).toBe("SignatureDoesNotMatch");
        const forged = authorization.replace(/.{4}$/, "0000");
        expect(await refused({ ...good, headers: { ...good.headers, authorization: forged } })).toBe(
            "SignatureDoesNotMatch",
        );
        expect(await refused(await signed(given, new Date(Date.now() - 3_600_000)))).toBe("SignatureDoesNotMatch");
        expect(await refused(await signed(given, new Date(), "eu-central-1"))).toBe("SignatureDoesNotMatch");
        credentials = session("r", Date.now() - 1);
        expect(await refused(await signed(given))).toBe("ExpiredToken");
        credentials = new Sessions("another key").issue({ role: "r", instanceId: "i-1", expires: Date.now() + 60_000 });
        expect(await refused(await signed(given))).toBe("InvalidClientTokenId");
        credentials = { ...session("r"), secretAccessKey: "x" };
        expect(await refused(await signed(given))).toBe("SignatureDoesNotMatch");
    });
});
