import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../../settings.ts";
import { SYSTEM_FACTS, systemOfImage } from "../../systems.ts";
import { message } from "./message.ts";

/** The image of the machine and its system: the newest of the system wanted, or the one that is named. @throws RunError */
export async function findImage(settings: Settings, architecture: "arm64" | "x86_64", opts: pulumi.InvokeOptions) {
    if (settings.imageId !== "") return pinnedImage(settings, architecture, opts);
    const system = settings.image || "debian-13";
    const { label, owner, imageName } = SYSTEM_FACTS[system];
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
                `imageId: no ${label} image ${name} found in this region (${message(error)}); name an image with imageId.`,
            );
        });
    return { id: image.id, system };
}

/** The named image, its system told by its name or by the setting; what does not fit the machine is refused. */
async function pinnedImage(settings: Settings, architecture: string, opts: pulumi.InvokeOptions) {
    const { imageId, instanceType } = settings;
    const image = await aws.ec2
        .getAmi({ includeDeprecated: true, filters: [{ name: "image-id", values: [imageId] }] }, opts)
        .catch((error: unknown) => {
            throw new pulumi.RunError(
                `imageId: ${imageId} cannot be used in this region: ${message(error)}; name another image, or remove the setting to have the newest.`,
            );
        });
    if (image.architecture !== architecture) {
        throw new pulumi.RunError(
            `imageId: ${imageId} is for ${image.architecture}, but ${instanceType} is ${architecture}; choose an image or an instanceType of the other architecture.`,
        );
    }
    const told = systemOfImage(image.name);
    if (told !== undefined && settings.image !== "" && settings.image !== told) {
        throw new pulumi.RunError(
            `image: ${imageId} is ${image.name} and not ${settings.image}; set image to ${told}, or remove it.`,
        );
    }
    const system = told ?? settings.image;
    if (system === "") {
        throw new pulumi.RunError(
            `image: the name of ${imageId}, ${image.name}, does not tell its system; set image to debian-13, debian-12 or ubuntu-24.04.`,
        );
    }
    return { id: image.id, system };
}
