import { execa } from "execa";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT, runScript, scriptOf, workflows } from "./workflows.ts";

describe("the nightly re-creation", () => {
    const volume = (finalSnapshot?: boolean) => ({
        type: "aws:ebs/volume:Volume",
        inputs: { finalSnapshot, tags: { "linkmesh-proxy": "linkmesh/staging/linkmesh" } },
    });
    const stateOf = (...resources: object[]) =>
        `[[ $1 == stack ]] || exit 0\ncat <<'END'\n${JSON.stringify({ deployment: { resources } })}\nEND`;

    test.each<[string, string, number]>([
        ["a volume that leaves a snapshot", stateOf(volume(true)), 0],
        ["no volume, after a night that was cut", stateOf(), 0],
        ["no resources at all", `echo '{"deployment":{}}'`, 0],
        ["a volume that leaves none", stateOf(volume(true), volume(false)), 1],
        ["a volume of which the state says nothing", stateOf(volume()), 1],
        ["a state that cannot be read", "exit 255", 255],
    ])("with %s", (_, pulumi, expected) => {
        const script = scriptOf("recreate.yml", "recreate", "Refuse a stack that would lose its data");
        const { status, output } = runScript(script, { pulumi }, { STACK: "staging" });
        expect(status, output).toBe(expected);
        expect(output.includes("its data would be lost")).toBe(expected === 1);
    });

    test.each<[string, string, number]>([
        ["latest", `echo '{"acme:restoreFrom":{"value":"latest","secret":false}}'`, 0],
        ["one snapshot", `echo '{"acme:restoreFrom":{"value":"snap-1","secret":false}}'`, 1],
        ["nothing", `echo '{"acme:domain":{"value":"latest","secret":false}}'`, 1],
        ["what cannot be read", "exit 255", 255],
    ])("with restoreFrom %s in the configuration", (_, pulumi, expected) => {
        const script = scriptOf("recreate.yml", "recreate", "Refuse a stack that would come back empty");
        const { status, output } = runScript(script, { pulumi }, { STACK: "staging" });
        expect(status, output).toBe(expected);
        expect(output.includes("restoreFrom is not latest in Pulumi.staging.yaml")).toBe(expected === 1);
    });

    test("leaves restoreFrom to the configuration, which holds after a night that was cut, too", () => {
        expect(workflows().get("recreate.yml")).not.toMatch(/^ +pulumi config set/m);
        expect(readFileSync(join(ROOT, "docs/gitlab.md"), "utf8")).not.toContain("- pulumi config set");
    });

    const PRUNE = join(ROOT, ".github/prune-snapshots.sh");

    test("shellcheck finds nothing in the script that deletes snapshots, which workflow and pipeline call", async () => {
        const { stdout, exitCode } = await execa("shellcheck", [PRUNE], { reject: false });
        expect([stdout, exitCode]).toEqual(["", 0]);
        expect(scriptOf("recreate.yml", "recreate", "Delete old snapshots").trim()).toBe(
            'bash .github/prune-snapshots.sh "$STACK" "$KEEP"',
        );
        expect(readFileSync(join(ROOT, "docs/gitlab.md"), "utf8")).toContain(
            'bash .github/prune-snapshots.sh "$STACK" 7\n',
        );
    });

    /** What it does with a snapshot each night, and a volume that was made on the 4th after that night's snapshot. */
    const prune = (keep: string, SnapshotId?: string, nights = [2, 4, 1, 3], volumes = ["vol-1"]) => {
        const Snapshots = nights.map((n) => ({
            SnapshotId: `snap-${n}`,
            StartTime: `2026-11-0${n}T03:00:00.120000+00:00`,
        }));
        const Volumes = [{ SnapshotId, CreateTime: "2026-11-04T03:10:00+00:00" }];
        const others = volumes.map((id) => ({ ...volume(true), id }));
        const aws = `case $2 in
            describe-snapshots) echo '${JSON.stringify({ Snapshots })}' ;;
            describe-volumes) echo '${JSON.stringify({ Volumes })}' ;;
        esac`;
        const program = readFileSync(PRUNE, "utf8");
        const script = `set -- staging ${keep}\n${program}`;
        const unrelated = { type: "aws:ebs/volume:Volume", id: "vol-x", inputs: {} };
        return runScript(script, { pulumi: stateOf(...others, unrelated), aws }, {});
    };

    test.each<[string, string[]]>([
        ["2", ["snap-2", "snap-1"]],
        ["0", ["snap-3", "snap-2", "snap-1"]],
        ["7", []],
    ])("keeps the newest %s snapshots, and always one", (keep, deleted) => {
        const { status, calls, output } = prune(keep, "snap-4");
        expect(status, output).toBe(0);
        expect(calls[1]).toContain("describe-volumes --volume-ids vol-1 ");
        expect(calls[2]!.replaceAll("\\", "")).toContain("Name=tag:linkmesh-proxy,Values=linkmesh/staging/linkmesh ");
        expect(calls.slice(3)).toEqual(deleted.map((id) => `aws ec2 delete-snapshot --snapshot-id ${id}`));
    });

    test("deletes also if a schedule has made a newer snapshot of the new volume", () => {
        const { status, calls, output } = prune("2", "snap-4", [3, 4, 5]);
        expect(status, output).toBe(0);
        expect(calls.slice(3)).toEqual(["aws ec2 delete-snapshot --snapshot-id snap-3"]);
    });

    test("keeps them for each host of the stack, and deletes none if one of the volumes is not restored", () => {
        const both = prune("3", "snap-4", [2, 4, 1, 3], ["vol-1", "vol-2"]);
        expect(both.status, both.output).toBe(0);
        expect(both.calls.filter((call) => call.includes("describe-volumes"))).toEqual([
            expect.stringContaining("--volume-ids vol-1 "),
            expect.stringContaining("--volume-ids vol-2 "),
        ]);
        expect(both.calls.slice(5)).toEqual(Array(2).fill("aws ec2 delete-snapshot --snapshot-id snap-1"));
    });

    test.each([
        ["is empty", undefined, "no snapshot"],
        ["is empty, as AWS says it", "", "no snapshot"],
        ["is of an older snapshot", "snap-3", "snap-3"],
    ])("deletes no snapshot if the new volume %s", (_, snapshot, named) => {
        const { status, calls, output } = prune("1", snapshot);
        expect(status, output).toBe(1);
        expect(output).toContain(`comes from ${named}, and the last snapshot before it is snap-4`);
        expect(calls.slice(3)).toEqual([]);
    });
});
