import { describe, expect, test } from "vitest";
import { judgeSnapshots, lookForSnapshot, readSnapshots, type Snapshot } from "../../doctor/judges/snapshot.ts";
import { facts, NOW } from "./doctor-facts.ts";

describe("snapshots", () => {
    const taken = (days: number, State = "completed") => ({
        StartTime: new Date((NOW - days * 86_400) * 1000).toISOString(),
        State,
    });
    test.each<[Snapshot[], RegExp, boolean?]>([
        [[], /^ok the data have no snapshot/],
        [[], /^warn dailySnapshots is on, and the data have no snapshot$/, true],
        [[taken(1)], /^ok the newest of 1 is of/, true],
        [[taken(1), taken(2)], /^ok the newest of 2 is of/],
        [[taken(3), taken(4)], /^warn the newest snapshot of the data is of/],
        [[taken(1, "error"), taken(2, "error")], /^warn 2 snapshots of the data failed/],
        [[taken(1), taken(1, "error")], /^warn 1 snapshots of the data failed/],
    ])("%j", (snapshots, sentence, scheduled = false) => {
        const { status, detail } = judgeSnapshots(snapshots, NOW, scheduled);
        expect(`${status} ${detail}`).toMatch(sentence);
    });

    test("are looked for by the tag that the machine's data have, and if that fails the line says why", async () => {
        const asked: string[] = [];
        const source = (...args: string[]) => Promise.resolve((asked.push(...args), "no credentials"));
        const { status, detail } = await lookForSnapshot(facts(), source, NOW, false);
        expect(asked).toEqual(["linkmesh-proxy/lab/linkmesh", "eu-central-1"]);
        expect([status, detail]).toEqual(["warn", "not known: no credentials"]);
    });

    test.each([
        ["a machine without a data volume has none", { mounts: "none\n" }, /^ok the machine has no data volume/],
        ["a machine outside of AWS does not say where", { cloud: "region \n" }, /^warn not known, because the machine/],
    ])("%s, and nobody is asked", async (_, changes, sentence) => {
        const source = () => Promise.reject(new Error("asked"));
        const { status, detail } = await lookForSnapshot(facts(changes), source, NOW, false);
        expect(`${status} ${detail}`).toMatch(sentence);
    });

    test.each(["", "An update is available", "[]", '{"Snapshots":[{"StartTime":"soon","State":"completed"}]}'])(
        "are not judged by what is not the CLI's JSON: %j",
        (printed) => {
            expect(readSnapshots(printed)).toBe("`aws ec2 describe-snapshots` printed something else than its JSON");
            expect(readSnapshots(JSON.stringify({ Snapshots: [taken(1)], NextToken: "x" }))).toEqual([taken(1)]);
        },
    );
});
