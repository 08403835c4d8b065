import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../../settings/settings.ts";
import type { InstanceType } from "./instance-type.ts";

interface ZonalResource {
    readonly id: string;
    readonly availabilityZone: string;
}

/**
 * The availability zone of the machine. If the stack has a data volume, it is the volume's, because a volume cannot move.
 * @throws RunError if setting, subnet and volume disagree, or if the machine cannot be there
 */
export function chooseAvailabilityZone(
    { availabilityZone: wanted, subnetId, instanceType, publicAddress }: Settings,
    { availabilityZones, offered }: Pick<InstanceType, "availabilityZones" | "offered">,
    subnet: ZonalResource | undefined,
    volume: ZonalResource | undefined,
): string {
    const refuse = (sentence: string) => {
        throw new pulumi.RunError(sentence);
    };
    const region = availabilityZones.join(", ");
    if (wanted !== "" && !availabilityZones.includes(wanted)) {
        refuse(
            `availabilityZone: ${wanted} is not one of the region's availability zones, ${region}. Name one of them, or remove the setting.`,
        );
    }
    if (wanted !== "" && subnet && subnet.availabilityZone !== wanted) {
        refuse(
            `availabilityZone is ${wanted}, but ${subnetId} is in ${subnet.availabilityZone}. Name a subnet in ${wanted}, or remove availabilityZone.`,
        );
    }
    if (subnet && volume && subnet.availabilityZone !== volume.availabilityZone) {
        refuse(
            `subnetId: ${subnetId} is in ${subnet.availabilityZone}, but the stack's data volume is in ${volume.availabilityZone} and cannot move. Name a subnet there, or destroy the stack with finalSnapshot=true and create it again with restoreFrom=latest.`,
        );
    }
    if (wanted !== "" && volume && volume.availabilityZone !== wanted) {
        refuse(
            `availabilityZone is ${wanted}, but the stack's data volume ${volume.id} is in ${volume.availabilityZone} and cannot move. Remove the setting, or destroy the stack with finalSnapshot=true and create it again with restoreFrom=latest.`,
        );
    }
    if (subnet && publicAddress && !availabilityZones.includes(subnet.availabilityZone)) {
        refuse(
            `subnetId: ${subnetId} is in ${subnet.availabilityZone}, a Local or Wavelength Zone, where the region's public addresses do not work. Name a subnet in ${region}.`,
        );
    }
    const possible = offered.filter((zone) => availabilityZones.includes(zone));
    const chosen = subnet?.availabilityZone ?? volume?.availabilityZone ?? (wanted || possible[0]!);
    if (!offered.includes(chosen)) {
        const origin = subnet
            ? `where ${subnetId} is`
            : volume
              ? "where the stack's data volume is"
              : "which availabilityZone names";
        const remedy =
            subnet || volume
                ? "Choose another type"
                : `Choose another type, or set availabilityZone to ${possible.join(" or ")}`;
        refuse(`instanceType: ${instanceType} is not offered in ${chosen}, ${origin}. ${remedy}.`);
    }
    return chosen;
}

/**
 * The availability zone of the subnet that the program has created, which cannot move either. Before there is a data volume,
 * only the subnet's output has it.
 * @throws RunError if the setting names another one
 */
export function checkSubnetZone(
    actual: string,
    { availabilityZone: wanted }: Pick<Settings, "availabilityZone">,
): string {
    if (wanted === "" || wanted === actual) return actual;
    throw new pulumi.RunError(
        `availabilityZone is ${wanted}, but the stack's subnet is in ${actual} and cannot move. Remove the setting, or destroy the stack and create it again.`,
    );
}
