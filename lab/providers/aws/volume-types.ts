import type { CheckFailure } from "../provider.ts";
import { type Values, isUnknown } from "../property-values.ts";
import { ApiError } from "./resource-type.ts";

type Range = readonly [least: number, most: number];

interface VolumeType {
    gib: Range;
    /** Absent if it cannot be chosen. */
    iops?: { range: Range; perGib: number; required?: true; default?: number };
    throughput?: Range;
}

/** EBS's volume types, from the reference of CreateVolume. */
const VOLUME_TYPES: Record<string, VolumeType> = {
    standard: { gib: [1, 1024] },
    gp2: { gib: [1, 16_384] },
    gp3: { gib: [1, 65_536], iops: { range: [3000, 80_000], perGib: 500, default: 3000 }, throughput: [125, 2000] },
    io1: { gib: [4, 16_384], iops: { range: [100, 64_000], perGib: 50, required: true } },
    io2: { gib: [4, 65_536], iops: { range: [100, 256_000], perGib: 1000, required: true } },
    st1: { gib: [125, 16_384] },
    sc1: { gib: [125, 16_384] },
};
const MOST_THROUGHPUT_PER_IOPS = 0.25;

/** EBS's own default is gp2. */
export interface VolumeWish {
    type?: string;
    sizeGiB: number;
    iops?: number;
    throughput?: number;
}

/** What can be chosen for a type. */
export function canProvision(type: string): { iops: boolean; throughput: boolean } {
    const { iops, throughput } = VOLUME_TYPES[type]!;
    return { iops: iops !== undefined, throughput: throughput !== undefined };
}

/** Failures that the provider reports in the preview of a creation. */
export function checkVolumeType({ type, iops, throughput }: Values): CheckFailure[] {
    if (isUnknown(type)) return [];
    const name = (type ?? "") as string;
    const { iops: choice } = VOLUME_TYPES[name] ?? {};
    const failures: CheckFailure[] = [];
    const must = (property: string, verb: string) =>
        failures.push({ property, reason: `'${property}' must ${verb} set when 'type' is '${name}'` });
    if (choice?.required && (iops ?? 0) === 0) must("iops", "be");
    if (!choice && (iops ?? 0) !== 0) must("iops", "not be");
    if (name !== "gp3" && (throughput ?? 0) !== 0) must("throughput", "not be");
    return failures;
}

/** Refuses what EBS refuses when a volume is made or modified. */
export function refuseVolume({ type = "gp2", sizeGiB, iops, throughput }: VolumeWish): void {
    const { gib, iops: choice, throughput: speeds } = VOLUME_TYPES[type]!;
    requireRange(`Volume of ${sizeGiB}GiB`, sizeGiB, gib, ["small", "large"], "GiB");
    if (iops === undefined && choice?.required) {
        throw new ApiError("InvalidParameterCombination", `The parameter iops must be specified for ${type} volumes.`);
    }
    if (iops !== undefined) {
        if (!choice) {
            throw new ApiError(
                "InvalidParameterCombination",
                `The parameter iops is not supported for ${type} volumes.`,
            );
        }
        requireRange(`Volume iops of ${iops}`, iops, choice.range);
        // A gp3 volume of any size has the default.
        if (iops > (choice.default ?? 0) && iops > sizeGiB * choice.perGib) {
            const ratio = (iops / sizeGiB).toFixed(6);
            throw wrong(`Iops to volume size ratio of ${ratio} is too high; maximum is ${choice.perGib}`);
        }
    }
    if (throughput === undefined) return;
    if (!speeds) {
        throw new ApiError("InvalidParameterCombination", "throughput can only be specified for volumeType gp3.");
    }
    requireRange(`Volume throughput of ${throughput}`, throughput, speeds);
    const ratio = throughput / (iops ?? choice?.default ?? 0);
    if (ratio > MOST_THROUGHPUT_PER_IOPS) {
        throw wrong(
            `Throughput (MiBps) to iops ratio of ${ratio.toFixed(6)} is too high; maximum is 0.250000 MiBps per iops`,
        );
    }
}

function requireRange(what: string, value: number, [least, most]: Range, words = ["low", "high"], unit = ""): void {
    if (value < least) throw wrong(`${what} is too ${words[0]}; minimum is ${least}${unit}.`);
    if (value > most) throw wrong(`${what} is too ${words[1]}; maximum is ${most}${unit}.`);
}

function wrong(reason: string): ApiError {
    return new ApiError("InvalidParameterValue", reason);
}
