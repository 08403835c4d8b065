import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EXISTING_SUBNET_IPV4 } from "../../lab/cloud/existing-network.ts";
import { generateKey } from "../../lab/providers/tls/keys.ts";
import { connects } from "./allowed-networks.ts";
import { RunningUp } from "./running-up.ts";
import {
    cloud,
    expectNothingLeft,
    journal,
    lab,
    labOk,
    listens,
    onMachine,
    sets,
    status,
    theLab,
    useLab,
} from "./lab.ts";
import { expectEndpoints } from "./endpoints.ts";

// A network without IPv6 that was there before, names at another DNS provider, one port for all, and a bastion as the only
// way to port 22.
useLab("test-existing-network");

const HOST = "linkmesh.example.test";
const GRPC = "grpc.linkmesh.example.test";
const EDGE = "edge.example.test";

interface Bastion {
    host: string;
    privateKeyFile: string;
    sets: Record<string, string>;
}
let bastion: Bastion;
let up: RunningUp;

beforeAll(async () => {
    await lab("destroy", "--ignore-protect");
    bastion = JSON.parse((await labOk("bastion", "--json")).stdout) as Bastion;
    const settings = {
        dns: "external",
        subnetId: EXISTING_SUBNET_IPV4,
        grpcDomain: GRPC,
        bastionPrivateKey: readFileSync(bastion.privateKeyFile, "utf8"),
        ...bastion.sets,
    };
    up = new RunningUp(["--verbose", ...sets(settings)]);
});

afterAll(async () => {
    await (up as RunningUp | undefined)?.close();
    await lab("destroy", "--ignore-protect");
});

test("up prints the records to create, and waits for them, naming what is missing", async () => {
    const told = (text: RegExp) => up.until(() => text.exec(up.stdout) ?? undefined);
    for (const name of [HOST, GRPC]) {
        const escaped = name.replaceAll(".", "\\.");
        await told(new RegExp(`! step reachable: make this DNS record, if it is not there: ${escaped}  A  \\S+\n`));
    }
    const [, address] = await told(
        /Waiting: ns1\.example\.test says nothing for grpc\.linkmesh\.example\.test instead of A (\S+)\n/,
    );
    await labOk("record", GRPC, "A", address!);
    await told(/Waiting: ns1\.example\.test says nothing for linkmesh\.example\.test instead of A /);
    await labOk("record", HOST, "A", "198.51.100.7");
    await told(/Waiting: ns1\.example\.test says 198\.51\.100\.7 for linkmesh\.example\.test instead of A /);
    // An alias does as well, once what it leads to has the address.
    await labOk("record", "--remove", HOST, "A");
    await labOk("record", HOST, "CNAME", EDGE);
    await told(
        /Waiting: ns1\.example\.test says nothing for edge\.example\.test \(where linkmesh\.example\.test leads by CNAME\) instead of A /,
    );
    expect(up.stdout, "an order before the names lead here").not.toContain("step certificate");
    await labOk("record", EDGE, "A", address!);
    await up.ended;
    expect(up.exitCode, `${up.stdout}\n${up.stderr}`).toBe(0);
    expect(up.stdout + up.stderr).not.toContain("PRIVATE KEY");
});

test("no record is created in Route 53, and none for IPv6 is wanted", async () => {
    expect(cloud().records).toEqual({});
    const { outputs } = await status();
    expect(outputs.ipv6).toBeUndefined();
    const records = [HOST, GRPC].map((name) => ({ name, type: "A", ttl: 60, value: outputs.ipv4 }));
    expect(outputs.dnsRecords).toEqual(records);
});

test("only sshd listens on IPv6, there is no ingress rule for IPv6, and check passes", async () => {
    for (const port of [80, 443]) {
        expect(await listens(port, "4"), `port ${port}, IPv4`).toBe(true);
        expect(await listens(port, "6"), `port ${port}, IPv6`).toBe(false);
    }
    const { bastion: own, securityGroupRules } = cloud();
    const rules = Object.values(securityGroupRules).filter(({ groupId }) => groupId !== own!.securityGroupId);
    expect(rules.map(({ fromPort }) => fromPort)).toEqual(expect.arrayContaining([22, 80, 443]));
    expect(rules.filter(({ cidrIpv6 }) => cidrIpv6)).toEqual([]);
    expect((await labOk("check")).stdout).not.toContain("ipv6");
});

test("all endpoints answer, gRPC on port 443", async () => {
    const found = await status();
    expect(found.outputs.grpcEndpoint).toBe(`${GRPC}:443`);
    await expectEndpoints(found);
});

test("port 22 accepts only the bastion; ssh and a second up go through it", async () => {
    const { ipv4 } = (await status()).outputs;
    expect(await connects(ipv4, 443, theLab().net.outer)).toBe(true);
    expect(await connects(ipv4, 22, theLab().net.outer)).toBe(false);
    expect((await labOk("ssh", "--", "id -un")).stdout).toBe("admin");
    expect((await labOk("up")).stdout).toMatch(/✓ program: no change/);
    const logins = [...(await journal("ssh")).matchAll(/Accepted publickey.* from (\S+)/g)].map(([, from]) => from);
    expect(new Set(logins)).toEqual(new Set([bastion.host]));
});

test("a bastion with another host key is refused", async () => {
    const { publicKeyOpenssh } = await generateKey({ algorithm: "ED25519" });
    const before = await onMachine("cat /etc/nginx/linkmesh/current/http-linkmesh.conf");
    const run = await lab("up", ...sets({ bastionHostKey: publicKeyOpenssh.trim(), collectorsExpected: "40000" }));
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toMatch(/error: step ready: bastionHost does not have bastionHostKey: .*ssh: host key mismatch/);
    expect(await onMachine("cat /etc/nginx/linkmesh/current/http-linkmesh.conf")).toBe(before);
    await labOk("up", "--set", `bastionHostKey=${bastion.sets.bastionHostKey}`);
    expect(await onMachine("cat /etc/nginx/linkmesh/current/http-linkmesh.conf")).not.toBe(before);
});

test("a bastion that does not answer is reported before anything changes", async () => {
    const run = await lab("up", ...sets({ bastionHost: theLab().net.packages, collectorsExpected: "40000" }));
    expect(run.stderr).toMatch(/^error: bastionHost: \S+ does not answer on port 22 \(ECONNREFUSED\), so no step can/m);
    await labOk("up", "--set", `bastionHost=${bastion.host}`);
});

test("destroy leaves only what others have created", async () => {
    await labOk("destroy", "--stack");
    await labOk("record", "--remove", HOST, "CNAME");
    for (const name of [EDGE, GRPC]) await labOk("record", "--remove", name, "A");
    await labOk("bastion", "--remove");
    expectNothingLeft();
});
