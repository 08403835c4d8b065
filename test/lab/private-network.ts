import { beforeAll, expect, test } from "vitest";
import { connects } from "./allowed-networks.ts";
import { cloud, labOk, linkmeshInfo, onMachine, status, theLab } from "./lab.ts";
import { expectSurfaces } from "./endpoints.ts";

/** A machine without a public address, which a VPN leads to; the stack that had one has moved there. */
export function privateNetwork(before: () => { caFingerprint: string }): void {
    let found: Awaited<ReturnType<typeof status>>;
    beforeAll(async () => {
        found = await status();
    });

    test("the names lead to its private address, and there is no public one", async () => {
        const { ipv4, ipv6, dnsRecords } = found.outputs;
        const [card] = Object.values(cloud().networkInterfaces);
        expect(ipv4).toBe(card!.privateIp);
        expect(ipv6).toBeUndefined();
        expect(dnsRecords).toEqual([{ name: found.host, type: "A", ttl: 60, value: ipv4 }]);
        expect(cloud().addresses).toEqual({});
        expect(await onMachine(`dig +short ${found.host}`)).toBe(ipv4);
    });

    test("it is the same LinkMesh as before, on a new machine", async () => {
        expect((await linkmeshInfo()).caFingerprint).toBe(before().caFingerprint);
    });

    test("the three surfaces answer over the VPN, to which clients have their true addresses", async () => {
        await expectSurfaces(found);
        await labOk("check");
    });

    test("nobody else gets there", async () => {
        for (const port of [22, 443, 50051]) {
            expect(await connects(found.outputs.ipv4, port, theLab().net.outer), `port ${port}, VPN`).toBe(true);
            expect(await connects(found.outputs.ipv4, port, theLab().net.packages), `port ${port}`).toBe(false);
        }
    });

    test("the certificate is by a DNS challenge, and renews", async () => {
        expect(await onMachine("cat /etc/letsencrypt/renewal/*.conf")).toContain("authenticator = dns-route53");
        await labOk("renew");
    });
}
