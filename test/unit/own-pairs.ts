import { beforeAll } from "vitest";
import { TestCa, type Pair } from "../host/test-ca.ts";

/** Certificates of the user's own, made once for a test file, and their authorities. */
export function ownPairs() {
    const own = {} as Record<"good" | "other" | "ended" | "elsewhere" | "ed25519", Pair> &
        Record<"ca" | "root", TestCa>;
    beforeAll(async () => {
        const root = await TestCa.create("CN=a root of one's own");
        const ca = await TestCa.create("CN=a CA of one's own", root);
        Object.assign(own, {
            root,
            ca,
            good: await ca.issue(["linkmesh.example.com"]),
            other: await ca.issue(["linkmesh.example.com"]),
            ended: await ca.issue(["linkmesh.example.com"], { from: -20, to: -10 }),
            elsewhere: await ca.issue(["elsewhere.example.com"]),
            ed25519: await ca.issue(["linkmesh.example.com"], { key: "Ed25519" }),
        });
    });
    const pair = (cert: Pair, key = cert) => ({
        tlsCertificate: `${cert.cert}\n${own.ca.pem}`,
        tlsPrivateKey: key.key,
    });
    return { own, pair };
}
