import type { ResourceValidationPolicy } from "@pulumi/policy";

interface Disk {
    encrypted?: boolean;
}

export const disksEncrypted: ResourceValidationPolicy = {
    name: "disks-encrypted",
    description: "Root disks and volumes are encrypted, whatever the account's default is.",
    enforcementLevel: "mandatory",
    validateResource: ({ type, name, props }, report) => {
        const judge = (setting: string, disk: Disk | undefined) => {
            if (disk?.encrypted !== true) report(`A disk of ${name} is not encrypted: set ${setting} to true.`);
        };
        if (type === "aws:ebs/volume:Volume") judge("encrypted", props);
        if (type !== "aws:ec2/instance:Instance") return;
        judge("rootBlockDevice.encrypted", props.rootBlockDevice as Disk | undefined);
        const others = (props.ebsBlockDevices ?? []) as Disk[];
        others.forEach((disk, index) => judge(`ebsBlockDevices[${index}].encrypted`, disk));
    },
};
