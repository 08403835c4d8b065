import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../../settings/settings.ts";
import { OPERATING_SYSTEM_FACTS, operatingSystemOfImage } from "../../operating-systems.ts";
import type { InstanceType } from "./instance-type.ts";
import { providerMessage } from "./failure.ts";

/** GiB. Room for the operating system, its updates and its logs. */
const LEAST_ROOT_SIZE = 10;

/** The image of the machine and its operating system: imageId, or the newest of operatingSystem. @throws RunError */
export async function findImage(settings: Settings, type: InstanceType, opts: pulumi.InvokeOptions) {
    if (settings.imageId !== "") return pinnedImage(settings, type, opts);
    const { architecture } = type;
    const operatingSystem = settings.operatingSystem || "debian-13";
    const { name: label, owner, imageName } = OPERATING_SYSTEM_FACTS[operatingSystem];
    const name = imageName(architecture === "arm64" ? "arm64" : "amd64");
    const image = await aws.ec2
        .getAmi(
            {
                owners: [owner],
                mostRecent: true,
                filters: [
                    { name: "name", values: [name] },
                    { name: "architecture", values: [architecture] },
                ],
            },
            opts,
        )
        .catch((error: unknown) => {
            throw new pulumi.RunError(
                `imageId: the newest image of ${label}, ${name}, cannot be looked up in this region: ${providerMessage(error)}. Name an image with imageId, or allow ec2:DescribeImages.`,
            );
        });
    return { id: image.id, operatingSystem, rootVolumeSize: rootVolumeSize(image) };
}

/** GiB. EC2 does not start a machine whose root disk is smaller than the image's. */
function rootVolumeSize({ blockDeviceMappings = [], rootDeviceName }: Partial<aws.ec2.GetAmiResult>): number {
    const root = blockDeviceMappings.find(({ deviceName }) => deviceName === rootDeviceName);
    return Math.max(LEAST_ROOT_SIZE, Number(root?.ebs.volume_size ?? 0));
}

/** Why EC2 would not start the image on this instance type. EC2 itself would refuse only after the old machine is terminated. */
function incompatibility(
    image: Partial<aws.ec2.GetAmiResult>,
    { needsEna, bootModes = [] }: InstanceType,
): string | undefined {
    if (image.rootDeviceType === "instance-store") return "has no root disk of EBS";
    if (image.virtualizationType === "paravirtual") return "is paravirtual";
    if (needsEna && image.enaSupport === false) return "has no driver for enhanced networking (ENA)";
    const { bootMode = "" } = image;
    if (["uefi", "legacy-bios"].includes(bootMode) && bootModes.length > 0 && !bootModes.includes(bootMode)) {
        return `boots by ${bootMode}`;
    }
    return undefined;
}

/** The image of imageId, with the operating system by its name, or else by the setting. @throws RunError if it does not fit */
async function pinnedImage(settings: Settings, type: InstanceType, opts: pulumi.InvokeOptions) {
    const { architecture } = type;
    const { imageId, instanceType } = settings;
    const image = await aws.ec2
        .getAmi({ includeDeprecated: true, filters: [{ name: "image-id", values: [imageId] }] }, opts)
        .catch((error: unknown) => {
            throw new pulumi.RunError(
                `imageId: ${imageId} cannot be used in this region: ${providerMessage(error)}. Name another image, or remove the setting to get the newest.`,
            );
        });
    if (image.architecture !== architecture) {
        throw new pulumi.RunError(
            `imageId: ${imageId} is for ${image.architecture}, but ${instanceType} is ${architecture}. Choose an image or an instanceType of the other architecture.`,
        );
    }
    const fault = incompatibility(image, type);
    if (fault !== undefined) {
        throw new pulumi.RunError(
            `imageId: ${imageId} ${fault}, so ${instanceType} does not start from it. Choose another image.`,
        );
    }
    const systemOfName = operatingSystemOfImage(image.name);
    if (systemOfName !== undefined && settings.operatingSystem !== "" && settings.operatingSystem !== systemOfName) {
        throw new pulumi.RunError(
            `operatingSystem: ${imageId} is ${image.name}, not ${settings.operatingSystem}. Set operatingSystem to ${systemOfName}, or remove it.`,
        );
    }
    const operatingSystem = systemOfName ?? settings.operatingSystem;
    if (operatingSystem === "") {
        throw new pulumi.RunError(
            `operatingSystem: the name of ${imageId}, ${image.name}, does not show its operating system. Set operatingSystem to debian-13, debian-12 or ubuntu-24.04.`,
        );
    }
    return { id: image.id, operatingSystem, rootVolumeSize: rootVolumeSize(image) };
}
