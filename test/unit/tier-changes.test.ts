import { describe, expect, test } from "vitest";
import { allowSeveral } from "./allow-several.ts";
import { dependencies, names, ofType, run } from "./tier-program.ts";

// What a change of several nodes, or of one machine to several, leaves as it is.

allowSeveral();

describe("records and certificate", () => {
    test("lead to the load balancer when the first node is set up, and no node waits for them", async () => {
        const { registered } = await run({ caaIssuer: "amazon.com" });
        const records = ofType({ registered }, "aws:route53/record:Record");
        const addresses = records.filter(({ inputs }) => /^A{1,4}$/.test(inputs.type as string));
        expect(names(addresses).sort()).toEqual([
            ...["linkmesh-dns-linkmesh.example.com-a", "linkmesh-dns-linkmesh.example.com-aaaa"],
        ]);
        for (const record of addresses) {
            expect(dependencies(record).filter((name) => /-node-\d/.test(name))).toEqual([
                "linkmesh-node-1-in-service",
            ]);
        }
        const waiting = ofType({ registered }, "command:remote:Command").filter((step) =>
            dependencies(step).some((name) => name.startsWith("linkmesh-dns-")),
        );
        expect(names(waiting)).toEqual([]);
    });

    test("a paused tier publishes them at once", async () => {
        const paused = await run({ paused: "true" });
        expect(paused.named("linkmesh-dns-linkmesh.example.com-a").inputs.records).toHaveLength(3);
    });

    test("Certificate Manager is asked after the CAA record that allows it", async () => {
        const { named } = await run({ caaIssuer: "amazon.com" });
        expect(dependencies(named("linkmesh-certificate-issued"))).toEqual(["linkmesh-dns-linkmesh.example.com-caa"]);
    });
});
