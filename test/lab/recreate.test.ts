import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { programInstance } from "../../lab/cloud/state.ts";
import { terminate } from "../../lab/providers/aws/instances.ts";
import { certificatesIssued } from "../../lab/services/acme-front.ts";
import { changeCloud, cloud, expectNothingLeft, identity, lab, labOk, onMachine, sets, theLab, useLab } from "./lab.ts";

// A lab of its own, beside the one of the other tests: what takes long here is the machine's, not the tests'.
useLab("test-recreate");

/** How the machine is found by a destroy. */
const SITUATIONS: [string, () => Promise<unknown>][] = [
    ["at work", () => Promise.resolve()],
    [
        "unreachable",
        () =>
            onMachine(
                "systemctl stop ssh.socket ssh.service; nft add table inet cut; nft 'add chain inet cut in { type filter hook input priority 0; policy drop; }'",
            ),
    ],
    ["stopped", () => changeCloud((state) => void (programInstance(state)!.desired = "stopped"))],
    ["gone", () => changeCloud((state) => terminate(state, programInstance(state)!.id))],
];

/** What a stack that is made anew has from the one before: all but the addresses and the key of its sshd. */
async function kept(): Promise<Record<string, unknown>> {
    return { ...(await identity()), addresses: undefined, hostKey: undefined };
}

/** One of each; `npm run recreate` does five. */
const CYCLES = Number(process.env.LINKMESH_RECREATE_CYCLES ?? SITUATIONS.length);

let before: Record<string, unknown>;

beforeAll(async () => {
    await lab("destroy", "--ignore-protect");
});

afterAll(async () => {
    await lab("destroy", "--ignore-protect");
});

test("restoreFrom=latest without a snapshot is refused before anything is created", async () => {
    const run = await lab("up", "--set", "restoreFrom=latest");
    expect(run.exitCode).not.toBe(0);
    expect(run.stderr).toMatch(/^error: restoreFrom: there is no completed snapshot with the tag linkmesh-proxy=/m);
    expect(existsSync(join(theLab().dir, "cloud.json")), "a cloud with anything in it").toBe(false);
});

test("if the zone has no capacity at the first up, nothing moves, and a destroy is the way to another zone", async () => {
    const failed = await lab("up", ...sets({ restoreFrom: "", instanceType: "t3a.nano" }));
    expect(failed.exitCode).not.toBe(0);
    expect(failed.stderr).toContain("InsufficientInstanceCapacity");
    const there = () => Object.values(cloud().volumes).map(({ availabilityZone }) => availabilityZone);
    expect(there()).toEqual(["eu-central-1a"]);
    const moved = await lab("up", "--set", "availabilityZone=eu-central-1b");
    expect(moved.exitCode).not.toBe(0);
    expect(moved.stderr).toMatch(
        /^error: availabilityZone is eu-central-1b, but the stack's data volume \S+ is in eu-c/m,
    );
    expect(there()).toEqual(["eu-central-1a"]);
    await labOk("destroy", "--stack");
});

test("a stack comes up in the other zone, with a production certificate and a final snapshot on destroy", async () => {
    const chosen = { availabilityZone: "eu-central-1b", instanceType: "t3a.nano" };
    await labOk("up", ...sets({ ...chosen, acmeDirectory: "production", finalSnapshot: "true", restoreFrom: "" }));
    expect(Object.values(cloud().subnets).map(({ availabilityZone }) => availabilityZone)).toContain("eu-central-1b");
    before = await kept();
    expect(certificatesIssued(theLab()).production).toBe(1);
});

test("a destroy after an up that failed halfway leaves nothing", async () => {
    await labOk("destroy", "--stack");
    const failed = await lab("up", "--set", "restoreFrom=latest", "--set", `linkmeshDebSha256=${"0".repeat(64)}`);
    expect(failed.exitCode).not.toBe(0);
    expect(failed.stderr).toMatch(/^error: step package: /m);
    expect(Object.keys(cloud().instances)).toHaveLength(1);
    await labOk("destroy", "--stack");
    expectNothingLeft();
    await labOk("up", "--set", "linkmeshDebSha256=");
    expect(await kept()).toEqual(before);
});

// The same host again and again, and no certificate more.
test.each(Array.from({ length: CYCLES }, (_, i) => [i + 1, ...SITUATIONS[i % SITUATIONS.length]!] as const))(
    "destroyed and recreated from the last snapshot, cycle %i, machine %s",
    async (cycle, _situation, prepare) => {
        await prepare();
        await labOk("destroy", "--stack");
        expect(Object.keys(cloud().snapshots).length).toBeGreaterThan(0);
        expectNothingLeft();
        // The round of a full test has the packages in the image, because machines without them were made above.
        const round = Math.floor((cycle - 1) / SITUATIONS.length);
        await labOk("up", "--set", `imageId=${round % 2 === 0 ? "ami-0debian13ownamd64" : ""}`);
        expect(await kept()).toEqual(before);
        expect(certificatesIssued(theLab()).production).toBe(1);
    },
);
