import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ZONE_ID } from "../../lab/cloud/state.ts";
import { workspaceOf } from "../../lab/engine/workspace.ts";
import { connects } from "./allowed-networks.ts";
import { Clients } from "./clients.ts";
import {
    CERTBOT,
    allowed,
    changeCloud,
    cloud,
    lab,
    lab6,
    labOk,
    listens,
    onMachine,
    servedCertificate,
    status,
    theLab,
    tryOnMachine,
} from "./lab.ts";
import { expectOpenPorts } from "./open-ports.ts";
import { shortPauses } from "./pauses.ts";
import type { Run } from "./run.ts";

const servedNames = async () => (await servedCertificate("-noout -ext subjectAltName")).split("\n").at(-1)!.trim();

/** A wildcard by DNS-01 with the instance's role, port 80 closed, and gRPC only for one network. */
export function dnsChallenge(): void {
    test("the certificate is for the wildcard, and port 80 was not needed", async () => {
        expect(await servedNames()).toBe("DNS:*.example.test");
        expect((await new Clients(await status()).http("/")).status).toBe(200);
        expect(await listens(80)).toBe(false);
        expect((await labOk("check")).stdout).toMatch(/certificate ipv6 +\*\.example\.test/);
    });

    expectOpenPorts({ acmeChallenge: "dns-01", httpRedirect: false });

    test("the challenge's record is removed, and the machine holds no AWS key", async () => {
        expect(Object.values(cloud().records).map(({ type }) => type)).not.toContain("TXT");
        expect((await tryOnMachine("grep -rlsE 'aws_secret_access_key|AWS_SECRET' /etc /root /home")).exitCode).toBe(1);
    });

    test("it renews by a DNS challenge", async () => {
        await labOk("renew");
        expect(await onMachine("systemctl is-enabled certbot.timer")).toBe("enabled");
        expect(await onMachine("cat /etc/letsencrypt/renewal/*.conf")).toContain("authenticator = dns-route53");
    });

    test("a stack that has the role under its former name, for dns-01 only, keeps it", async () => {
        const file = join(workspaceOf(theLab()).stateDir, ".pulumi/stacks/linkmesh-proxy/lab.json");
        const state = readFileSync(file, "utf8");
        const old = state.replaceAll("index:InstanceRole", "index:ChallengeRights");
        writeFileSync(file, old.replaceAll("::linkmesh-instance", "::linkmesh-challenge"));
        const { stdout } = await labOk("preview").finally(() => writeFileSync(file, state));
        expect(old).not.toBe(state);
        expect(stdout).toMatch(/unchanged/);
        expect(stdout).not.toMatch(/to (create|delete|replace)/);
    });

    test("the role refuses a challenge for another name", async () => {
        const server = await onMachine("sed -n 's/^server = //p' /etc/letsencrypt/renewal/*.conf");
        const order = `certonly --non-interactive --dns-route53 --server ${server} --cert-name other -d other.example.test`;
        const other = await tryOnMachine(`${CERTBOT} ${order}`);
        expect(other.exitCode).toBe(1);
        expect(other.stdout + other.stderr).toMatch(/AccessDenied.*ChangeResourceRecordSets/);
        expect((await tryOnMachine("ls /etc/letsencrypt/live/other")).exitCode).not.toBe(0);
    });

    test("the role refuses to move the name's own address", async () => {
        const record = {
            Name: "linkmesh.example.test",
            Type: "A",
            TTL: 60,
            ResourceRecords: [{ Value: "198.51.100.1" }],
        };
        const batch = { Changes: [{ Action: "UPSERT", ResourceRecordSet: record }] };
        const moved = await tryOnMachine(
            `AWS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt python3 -c '
import boto3, json
boto3.client("route53").change_resource_record_sets(HostedZoneId="${ZONE_ID}", ChangeBatch=json.loads("""${JSON.stringify(batch)}"""))'`,
        );
        expect(moved.stderr).toMatch(/AccessDenied/);
        const [a] = Object.values(cloud().records).filter(({ type }) => type === "A");
        expect(a!.values).toEqual([(await status()).outputs.ipv4]);
    });

    test("if the role lost its rights, up says so, the old certificate stays, and the next up gets the new one", async () => {
        const [role] = Object.keys(cloud().roles);
        const rights = cloud().roles[role!]!.inlinePolicies;
        await changeCloud((state) => (state.roles[role!]!.inlinePolicies = {}));
        // A certificate that needs no other rights.
        const names = "certificateNames=*.example.test,example.test";
        let run: Run | undefined;
        const pauses = await shortPauses(async () => (run = await lab("up", "--set", names)));
        await changeCloud((state) => (state.roles[role!]!.inlinePolicies = rights));
        expect(run!.exitCode).toBe(1);
        expect(pauses).toEqual([10, 20, 30]);
        expect(run!.stderr).toMatch(/^error: step certificate: .*the machine may not write the challenge/m);
        expect(await servedNames()).toBe("DNS:*.example.test");
        await labOk("up");
        expect(await servedNames()).toMatch(/^DNS:.*, DNS:/);
    });

    test("port 50051 accepts the allowed network only", async () => {
        const { ipv4, ipv6 } = (await status()).outputs;
        expect(allowed(50051)).toEqual([`${theLab().net.outer}/32`, `${lab6()}/128`]);
        expect(await connects(ipv4, 50051, theLab().net.outer)).toBe(true);
        expect(await connects(ipv4, 50051, theLab().net.packages)).toBe(false);
        expect(await connects(ipv6!, 50051, theLab().net.outer6)).toBe(true);
        expect(await connects(ipv4, 443, theLab().net.packages)).toBe(true);
    });
}
