import { expect, test } from "vitest";
import { type Key, TestCa } from "../host/test-ca.ts";
import { GOOD, problems } from "./problems.ts";
import { TIER_VALUES } from "./tier-settings.ts";

// Keys of certificates of the user's own. Network Load Balancers have RSA with up to 3072 bits, and three curves.

test.each<[key: Key, refused?: string]>([
    ["P-256"],
    ["P-384"],
    ["P-521"],
    [2048],
    [3072],
    [4096, "rsa 4096"],
    ["Ed25519", "ed25519"],
])("%s", async (key, refused) => {
    const ca = await TestCa.create("CN=own");
    const { cert: tlsCertificate, key: tlsPrivateKey } = await ca.issue(["linkmesh.example.com"], { key });
    const own = { tlsCertificate: `${tlsCertificate}\n${ca.pem}`, tlsPrivateKey };
    expect(problems({ ...GOOD, ...own })).toEqual([]);
    expect(problems({ ...GOOD, ...TIER_VALUES, ...own })).toEqual(
        refused === undefined
            ? []
            : [
                  `tlsCertificate has a key of the kind ${refused}, with which the load balancer of several nodes serves nobody. Set a certificate whose key is RSA with 2048 or 3072 bits, or EC on P-256, P-384 or P-521.`,
              ],
    );
});
