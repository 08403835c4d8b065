import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test, vi } from "vitest";
import { staysIn } from "../../components/cloud/lookups/place.ts";
import { CONFIG, runProgram } from "./program.ts";

const refusal = (run: Promise<unknown>) =>
    run.then(
        () => "nothing",
        (error: unknown) => (error as Error).message,
    );

describe("a look-up that fails", () => {
    test.each<[refused: string, begins: string, config?: Record<string, string>]>([
        ["getZones", "hostedZone: the hosted zones cannot be looked up: "],
        ["getZone", "hostedZone: looking up example.com in Route 53 failed: "],
        ["getInstanceType", "instanceType: t3.small cannot be looked up: "],
        ["getInstanceTypeOfferings", "instanceType: t3.small cannot be looked up: "],
        ["getAvailabilityZones", "availabilityZone: the region's availability zones cannot be looked up: "],
        ["getAmi", "imageId: the newest image of Debian 13, debian-13-amd64-*, cannot be looked up"],
        ["getAmi", "imageId: ami-0pinned cannot be used in this region: ", { imageId: "ami-0pinned" }],
        ["getSubnet", "subnetId: subnet-0aaaa cannot be used: ", { subnetId: "subnet-0aaaa" }],
        ["getEbsVolumes", "the stack's data volume cannot be looked up: "],
        ["getVolume", "the stack's data volume vol-0existing cannot be looked up: "],
        ["getSnapshotIds", "restoreFrom: latest cannot be looked up: ", { restoreFrom: "latest" }],
        ["getSnapshot", "restoreFrom: latest cannot be looked up: ", { restoreFrom: "latest" }],
    ])("%s: one sentence with the setting and the reason", async (refused, begins, config) => {
        const volumeZone = "eu-central-1a";
        const sentence = await refusal(runProgram({ ...CONFIG, ...config }, { refused, volumeZone }));
        expect(sentence.slice(0, begins.length)).toBe(begins);
        expect(sentence).toMatch(/UnauthorizedOperation: You are not authorized[^\n]*\.$/);
    });
});

describe("of several volumes with the stack's tag", () => {
    const volumes = (...attached: boolean[]) =>
        attached.map((one, i) => ({ id: `vol-${i}`, availabilityZone: `eu-central-1${"abc"[i]}`, attached: one }));

    test.each([[[true, false, false]], [[false, true, false]]])(
        "the attached one is the stack's, and the others are named: %j",
        async (attached) => {
            const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
            warn.mockClear();
            const { named } = await runProgram(CONFIG, { volumes: volumes(...attached) });
            const own = attached.indexOf(true);
            expect(named("linkmesh-machine-data").inputs.availabilityZone).toBe(`eu-central-1${"abc"[own]}`);
            const others = ["vol-0", "vol-1", "vol-2"].filter((id) => id !== `vol-${own}`).join(" and ");
            expect(warn.mock.calls.map(([sentence]) => sentence)).toEqual([
                expect.stringContaining(
                    `${others} carry the tag linkmesh-proxy=linkmesh-proxy/test/linkmesh of the stack's data volume vol-${own}, too`,
                ),
            ]);
        },
    );

    test("none of which is attached the update goes on, and they are named: a paused stack, a replacement that failed", async () => {
        const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
        warn.mockClear();
        const config = { ...CONFIG, subnetId: "subnet-0aaaa", dataVolumeSize: "8" };
        const { named } = await runProgram(config, { volumes: volumes(false, false) });
        expect(named("linkmesh-machine-data")).toBeDefined();
        expect(warn.mock.calls.map(([sentence]) => sentence)).toEqual([
            expect.stringMatching(/^vol-0 and vol-1 all carry the tag linkmesh-proxy=.*none is attached.*leftovers/),
        ]);
    });

    test("more than one of which is attached none is taken", async () => {
        const [first, second] = volumes(true, true);
        const sentence = await refusal(runProgram(CONFIG, { volumes: [second!, first!] }));
        expect(sentence).toMatch(/^the volumes vol-0 and vol-1 all carry the tag linkmesh-proxy=[^\n]*\.$/);
        expect(sentence).toContain("more than one is attached to a machine");
        expect(sentence).toContain("take the tag off all but the one that `pulumi stack --show-ids` shows");
    });
});

describe("the availability zone", () => {
    const zoneOf = async (config: Record<string, string>, volumeZone = "") => {
        const { named } = await runProgram({ ...CONFIG, ...config }, { volumeZone });
        const [subnet, volume] = ["linkmesh-network-subnet", "linkmesh-machine-data"].map((name) => named(name).inputs);
        expect(volume!.availabilityZone).toBe(subnet!.availabilityZone);
        return volume!.availabilityZone;
    };

    test("is the first of the region that offers the type, and no Local Zone", async () => {
        expect(await zoneOf({})).toBe("eu-central-1a");
        expect(await zoneOf({ instanceType: "m7i.large" })).toBe("eu-central-1b");
    });

    test("is the one that is set, also where the data volume lies in it", async () => {
        expect(await zoneOf({ availabilityZone: " EU-central-1c" })).toBe("eu-central-1c");
        expect(await zoneOf({ availabilityZone: "eu-central-1c" }, "eu-central-1c")).toBe("eu-central-1c");
    });

    test("is no other than that of a subnet that was made before there was a data volume", () => {
        expect(staysIn("eu-central-1a", { availabilityZone: "" })).toBe("eu-central-1a");
        expect(staysIn("eu-central-1a", { availabilityZone: "eu-central-1a" })).toBe("eu-central-1a");
        expect(() => staysIn("eu-central-1a", { availabilityZone: "eu-central-1b" })).toThrow(
            "availabilityZone: eu-central-1b, but the stack's subnet lies in eu-central-1a and cannot move; ",
        );
    });
});
