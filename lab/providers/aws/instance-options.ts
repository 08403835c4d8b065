import type { Instance } from "../../cloud/state.ts";
import { type CheckFailure, ProviderError } from "../provider.ts";
import { type Value, type Values, isMap, isUnknown } from "../property-values.ts";
import { findInstanceType } from "./instance-types.ts";
import { ApiError, optionalText } from "./resource-type.ts";
import { canProvision, refuseVolume } from "./volume-types.ts";

/** The smallest root volume: the size of the snapshot that the images are made of. */
export const ROOT_MINIMUM_GIB = 8;
const ROOT_SNAPSHOT = "snap-0lab";
const USER_DATA_LIMIT = 16 * 1024;

export function checkInstance(inputs: Values): CheckFailure[] {
    return [...checkRootDevice(inputs.rootBlockDevice), ...checkCredits(inputs)];
}

function checkRootDevice(device: Value | undefined): CheckFailure[] {
    if (!isMap(device) || device.volumeType !== undefined) return [];
    return ["iops", "throughput"]
        .filter((name) => device[name] !== undefined)
        .map((name) => ({
            property: `rootBlockDevice.${name}`,
            reason: "the provider ignores it without volumeType: set volumeType too",
        }));
}

/** Refuses what the provider or EC2 refuses only at creation. `check` refuses what the provider would ignore. */
export function refuseRootDevice({ rootBlockDevice }: Values, sizeGiB: number): void {
    const device = isMap(rootBlockDevice) ? rootBlockDevice : {};
    const type = optionalText(device, "volumeType");
    for (const property of ["iops", "throughput"] as const) {
        if (device[property] === undefined || !type || canProvision(type)[property]) continue;
        throw new ProviderError(
            `collecting instance settings: creating resource: ${property} attribute not supported for root_block_device with volume_type ${type}`,
        );
    }
    if (sizeGiB < ROOT_MINIMUM_GIB) {
        throw new ApiError(
            "InvalidBlockDeviceMapping",
            `Volume of size ${sizeGiB}GB is smaller than snapshot '${ROOT_SNAPSHOT}', expect size >= ${ROOT_MINIMUM_GIB}GB`,
        );
    }
    const [iops, throughput] = [device.iops, device.throughput] as (number | undefined)[];
    refuseVolume({ type, sizeGiB, iops, throughput });
}

export function setMetadata(target: Instance, { metadataOptions }: Values): void {
    if (!isMap(metadataOptions)) return;
    const { endpoint = "enabled", tokens = "required" } = target.metadata ?? {};
    const { httpEndpoint = endpoint, httpTokens = tokens } = metadataOptions;
    target.metadata = { endpoint: httpEndpoint, tokens: httpTokens } as Instance["metadata"];
}

export function positive(value: number): string | undefined {
    return value > 0 ? undefined : `${value} is not above 0: the provider would ignore it`;
}

export function deleteOnTermination(value: boolean): string | undefined {
    return value ? undefined : "the lab deletes root disks with their machine: leave it out, or set it to true";
}

export function onlyDisabled(what: string): (value: string) => string | undefined {
    return (value) => (value === "enabled" ? `the lab's metadata service has no ${what}: leave it out` : undefined);
}

function checkCredits(inputs: Values): CheckFailure[] {
    const type = inputs.instanceType;
    if (typeof type !== "string" || isUnknown(type) || isUnknown(inputs.creditSpecification)) return [];
    if (!isMap(inputs.creditSpecification) || findInstanceType(type)?.burstable !== false) return [];
    return [{ property: "creditSpecification", reason: `${type} is not a burstable instance type` }];
}

export function bootable(value: string): string | undefined {
    return ["st1", "sc1"].includes(value) ? `"${value}": no machine starts from it` : undefined;
}

export function userData(value: string): string | undefined {
    const bytes = Buffer.byteLength(value);
    return bytes <= USER_DATA_LIMIT ? undefined : `user data of ${bytes} bytes: AWS allows ${USER_DATA_LIMIT}`;
}
