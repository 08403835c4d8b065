import { execa } from "execa";
import { z } from "zod";
import { DATA_TAG } from "../../components/cloud/stack-tag.ts";
import { ok, warn, type Verdict } from "../../checks/types.ts";
import type { Facts } from "../facts.ts";
import { time } from "./expected.ts";

/** Seconds. The schedule takes one each night. */
const OLD = 2 * 86_400;

const PRINTED = z.object({
    Snapshots: z.array(z.object({ StartTime: z.string().refine(isTime), State: z.string() })),
});
export type Snapshot = z.infer<typeof PRINTED>["Snapshots"][number];

const FIRST_SNAPSHOT =
    "the first is taken within a day; if none comes, look at the policy: aws dlm get-lifecycle-policies";

/** Snapshots by the value of the data tag, or why they could not be looked for. */
export type SnapshotSource = (owner: string, region: string) => Promise<readonly Snapshot[] | string>;

const RIGHT =
    "doctor asks with the AWS CLI (`aws`) and your rights: install it, log in, and grant ec2:DescribeSnapshots";

/** The newest snapshot of the data, which only AWS knows. */
export async function lookForSnapshot(
    facts: Facts,
    source: SnapshotSource,
    now: number,
    scheduled: boolean,
): Promise<Verdict> {
    const [owner] = facts.lines("host")[0]?.split(" ") ?? [];
    const region = facts.value("cloud", "region");
    if (facts.lines("mounts").includes("none")) return ok("the machine has no data volume, which snapshots are of");
    if (!owner || !region)
        return warn("not known, because the machine does not say whose data it has, and in which region");
    const found = await source(owner, region);
    if (typeof found === "string") return warn(`not known: ${found}`, RIGHT);
    return judgeSnapshots(found, now, scheduled);
}

/** By the AWS CLI and the operator's rights. */
export const askAws: SnapshotSource = async (owner, region) => {
    const filter = `Name=tag:${DATA_TAG},Values=${owner}`;
    const query = ["ec2", "describe-snapshots", "--owner-ids", "self", "--filters", filter, "--region", region];
    const result = await execa("aws", [...query, "--output", "json"], {
        reject: false,
        stdin: "ignore",
        timeout: 20_000,
    });
    if (result.code === "ENOENT") return "there is no AWS CLI (`aws`) on PATH";
    if (!result.failed) return readSnapshots(result.stdout);
    return `\`aws ec2 describe-snapshots\` failed: ${result.stderr?.trim().split("\n").at(-1) || result.shortMessage}`;
};

/** What the CLI printed. Another program of its name may print anything. */
export function readSnapshots(printed: string): readonly Snapshot[] | string {
    const { data, error } = PRINTED.safeParse(parsed(printed));
    return error ? "`aws ec2 describe-snapshots` printed something else than its JSON" : data.Snapshots;
}

function isTime(text: string): boolean {
    return !Number.isNaN(Date.parse(text));
}

function parsed(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}

/** Pure. @param scheduled whether the setting dailySnapshots is on */
export function judgeSnapshots(snapshots: readonly Snapshot[], now: number, scheduled: boolean): Verdict {
    const failed = snapshots.filter(({ State }) => State === "error").length;
    if (failed > 0) return warn(`${failed} snapshots of the data failed`, "look at them in the EC2 console");
    const times = snapshots
        .filter(({ State }) => State === "completed")
        .map(({ StartTime }) => Date.parse(StartTime) / 1000);
    if (times.length === 0)
        return scheduled
            ? warn("dailySnapshots is on, and the data have no snapshot", FIRST_SNAPSHOT)
            : ok("the data have no snapshot; the setting dailySnapshots takes one each night");
    const newest = Math.max(...times);
    if (now - newest < OLD) return ok(`the newest of ${times.length} is of ${time(newest)}`);
    return warn(
        `the newest snapshot of the data is of ${time(newest)}`,
        "if dailySnapshots is set, look at the policy: aws dlm get-lifecycle-policies; otherwise set it and run pulumi up",
    );
}
