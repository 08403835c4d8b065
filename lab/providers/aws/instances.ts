import type { CloudState, Instance } from "../../cloud/state.ts";
import { releaseInterface } from "./instance-network.ts";
import { findInterface } from "./interfaces.ts";
import { findSubnet } from "./network.ts";
import { ApiError, find } from "./resource-type.ts";

const KNOWN_MS = 60 * 60_000;

/** Terminates a machine, for the provider or for anybody else. Its volumes and an interface that existed stay. */
export function terminate(state: CloudState, id: string): void {
    const found = state.instances[id];
    if (found) releaseInterface(state, found);
    delete state.instances[id];
    delete state.tags?.[id];
    state.terminated[id] = new Date().toISOString();
    for (const volume of Object.values(state.volumes)) {
        if (volume.attachment?.instanceId === id) delete volume.attachment;
    }
}

export function findInstance(state: CloudState, id: string): Instance {
    return find(state.instances, id, "InvalidInstanceID.NotFound", "instance");
}

/** Refuses an operation on an instance that is gone. The API remembers a terminated instance for about an hour. */
export function refuseGone(state: CloudState, id: string, reason: string): void {
    if (state.instances[id]) return;
    const terminated = Date.parse(state.terminated[id] ?? "");
    if (!(Date.now() - terminated < KNOWN_MS)) findInstance(state, id);
    throw new ApiError("IncorrectInstanceState", reason);
}

/** The availability zone of an interface, and so of its machine. */
export function zoneOf(state: CloudState, interfaceId: string): string {
    return findSubnet(state, findInterface(state, interfaceId).subnetId).availabilityZone;
}
