import { beforeAll, expect, test } from "vitest";
import { connects } from "./allowed-networks.ts";
import { cloud, labOk, linkmeshInfo, onMachine, status, theLab } from "./lab.ts";
import { expectEndpoints } from "./endpoints.ts";

/** A machine without a public address, which a VPN leads to; the stack that had one has moved there. */
export function privateNetwork(before: () => { caFingerprint: string }): void {
    let found: Awaited<ReturnType<typeof status>>;
    beforeAll(async () => {
        found = await status();
    });

    test("the names lead to the machine's private address, and it has no public one", async () => {
        const { ipv4, ipv6, dnsRecords } = found.outputs;
        const [card] = Object.values(cloud().networkInterfaces);
        expect(ipv4).toBe(card!.privateIp);
        expect(ipv6).toBeUndefined();
        expect(dnsRecords).toEqual([{ name: found.host, type: "A", ttl: 60, value: ipv4 }]);
        expect(cloud().addresses).toEqual({});
        expect(await onMachine(`dig +short ${found.host}`)).toBe(ipv4);
    });

    test("the new machine runs the same LinkMesh", async () => {
        expect((await linkmeshInfo()).caFingerprint).toBe(before().caFingerprint);
    });

    test("all endpoints answer over the VPN, and clients are seen by their true addresses", async () => {
        await expectEndpoints(found);
        await labOk("check");
    });

    test("no other network gets there", async () => {
        const ports = [22, 443, 50051];
        const reached = (from: string) => Promise.all(ports.map((port) => connects(found.outputs.ipv4, port, from)));
        expect(await reached(theLab().net.outer)).toEqual([true, true, true]);
        expect(await reached(theLab().net.packages)).toEqual([false, false, false]);
    });

    test("the certificate comes by a DNS challenge, and renews", async () => {
        expect(await onMachine("cat /etc/letsencrypt/renewal/*.conf")).toContain("authenticator = dns-route53");
        await labOk("renew");
    });
}
