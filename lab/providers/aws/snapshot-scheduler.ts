import type { CloudState, LifecyclePolicy, LifecycleSchedule, Snapshot, Volume } from "../../cloud/state.ts";
import type { CloudStore } from "../../cloud/store.ts";
import { LabError } from "../../lab.ts";
import { SNAPSHOT_POLICY } from "./iam.ts";
import { takeSnapshot } from "./snapshots.ts";

/** The tags that mark the service's own snapshots. Users cannot set them. */
const POLICY_TAG = "aws:dlm:lifecycle-policy-id";
const SCHEDULE_TAG = "aws:dlm:lifecycle-schedule-name";

/** The result of a run of the policies. */
export interface PolicyRun {
    taken: Snapshot[];
    removed: Snapshot[];
}

/** A volume that a policy covers, with one of the policy's schedules. */
interface Target {
    policy: LifecyclePolicy;
    schedule: LifecycleSchedule;
    volume: Volume;
}

/**
 * Runs every enabled policy once, in place of the schedule of AWS's Data Lifecycle Manager. Old snapshots are deleted
 * only after the new ones exist.
 *
 * @returns undefined if no policy is enabled
 */
export async function runLifecyclePolicies(store: CloudStore): Promise<PolicyRun | undefined> {
    const policies = enabledPolicies(await store.read());
    if (policies.length === 0) return undefined;
    const taken = await store.change((state) =>
        targetsOf(state).map((target) => {
            requireRights(state, target.policy);
            return takeFor(state, target);
        }),
    );
    const removed = await store.change((state) => targetsOf(state).flatMap((target) => removeOldest(state, target)));
    return { taken, removed };
}

function enabledPolicies(state: CloudState): LifecyclePolicy[] {
    return Object.values(state.lifecyclePolicies).filter((policy) => policy.state === "ENABLED");
}

function targetsOf(state: CloudState): Target[] {
    return enabledPolicies(state).flatMap((policy) =>
        Object.values(state.volumes)
            .filter(({ id }) => carriesOne(state.tags?.[id] ?? {}, policy.targetTags))
            .flatMap((volume) => policy.schedules.map((schedule) => ({ policy, schedule, volume }))),
    );
}

function carriesOne(tags: Record<string, string>, wanted: Record<string, string>): boolean {
    return Object.entries(wanted).some(([key, value]) => tags[key] === value);
}

/** Requires the rights on the policy's role, because the service acts with that role. */
function requireRights(state: CloudState, { id, executionRoleArn }: LifecyclePolicy): void {
    const role = Object.values(state.roles).find((item) => item.arn === executionRoleArn);
    if (role?.policies.includes(SNAPSHOT_POLICY)) return;
    throw new LabError(
        `${id} cannot take snapshots: ${role ? `its role ${role.name} lacks ${SNAPSHOT_POLICY}` : "its role is gone"}`,
    );
}

function takeFor(state: CloudState, { policy, schedule, volume }: Target): Snapshot {
    return takeSnapshot(state, volume.id, `Created for policy: ${policy.id} schedule: ${schedule.name}`, {
        ...(schedule.copyTags ? state.tags?.[volume.id] : {}),
        ...schedule.tagsToAdd,
        [POLICY_TAG]: policy.id,
        [SCHEDULE_TAG]: schedule.name,
    });
}

/** Deletes the oldest snapshots of one volume, beyond the number to keep. */
function removeOldest(state: CloudState, { policy, schedule, volume }: Target): Snapshot[] {
    const own = Object.values(state.snapshots)
        .filter(({ id, volumeId }) => {
            const tags = state.tags?.[id] ?? {};
            return volumeId === volume.id && tags[POLICY_TAG] === policy.id && tags[SCHEDULE_TAG] === schedule.name;
        })
        .sort((a, b) => a.startTime.localeCompare(b.startTime));
    const surplus = own.slice(0, Math.max(0, own.length - schedule.retain));
    for (const { id } of surplus) {
        delete state.snapshots[id];
        delete state.tags?.[id];
    }
    return surplus;
}
