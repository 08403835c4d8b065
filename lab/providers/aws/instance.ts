import { type CloudState, type Instance, publicIpOf } from "../../cloud/state.ts";
import { LabError } from "../../lab.ts";
import { type Values, asText, isMap } from "../property-values.ts";
import {
    ROOT_MINIMUM_GIB,
    bootable,
    checkInstance,
    deleteOnTermination,
    onlyDisabled,
    positive,
    refuseRootDevice,
    setMetadata,
    userData,
} from "./instance-options.ts";
import { checkNetwork, interfaceFor, networkInputs, start, stop, updateInterface } from "./instance-network.ts";
import { findImage, findInstanceType, refuseType } from "./instance-types.ts";
import { findInstance, terminate, zoneOf } from "./instances.ts";
import { findInterface, privateName } from "./interfaces.ts";
import { publicName } from "./addresses.ts";
import { model } from "./models.ts";
import { refuseVcpus } from "./quotas.ts";
import { ApiError, type ResourceType, arn, newId, optionalText, text } from "./resource-type.ts";
import { ONE_VALUE, between, oneOf } from "./schema.ts";

const LAB_ARCHITECTURE = "x86_64";

const NO_TEMPLATE = "the lab has no launch templates";
const metadata = (member: string) => model("ec2", "RunInstances", `MetadataOptions.${member}`);

export const instance: ResourceType = {
    label: "EC2 Instance",
    inputs: {
        ami: { kind: "string", needed: NO_TEMPLATE, forceNew: true },
        instanceType: { kind: "string", needed: NO_TEMPLATE },
        ...networkInputs,
        iamInstanceProfile: { kind: "string", computed: true },
        userData: { kind: "string", computed: true, invalid: userData },
        userDataReplaceOnChange: { kind: "boolean", default: false },
        metadataOptions: {
            kind: {
                httpEndpoint: { kind: "string", computed: true, model: metadata("HttpEndpoint") },
                httpTokens: { kind: "string", computed: true, model: metadata("HttpTokens") },
                httpPutResponseHopLimit: {
                    kind: "integer",
                    inert: "no container on the lab's machines asks for metadata",
                    computed: true,
                    invalid: between(1, 64),
                },
                httpProtocolIpv6: {
                    kind: "string",
                    inert: ONE_VALUE,
                    default: "disabled",
                    model: metadata("HttpProtocolIpv6"),
                    invalid: onlyDisabled("IPv6 endpoint"),
                },
                instanceMetadataTags: {
                    kind: "string",
                    inert: ONE_VALUE,
                    computed: true,
                    model: metadata("InstanceMetadataTags"),
                    invalid: onlyDisabled("instance tags"),
                },
            },
            computed: true,
        },
        rootBlockDevice: {
            kind: {
                volumeType: {
                    kind: "string",
                    computed: true,
                    model: model("ec2", "RunInstances", "BlockDeviceMappings.Ebs.VolumeType"),
                    invalid: bootable,
                },
                volumeSize: { kind: "integer", computed: true },
                encrypted: {
                    kind: "boolean",
                    inert: "nothing on the machine can see it",
                    computed: true,
                    forceNew: true,
                },
                deleteOnTermination: { kind: "boolean", inert: ONE_VALUE, default: true, invalid: deleteOnTermination },
                iops: { kind: "integer", computed: true, invalid: positive },
                throughput: { kind: "integer", computed: true, invalid: positive },
                tags: { kind: "tags", inert: "the lab's root disks are not volumes" },
            },
            computed: true,
        },
        // Not computed, but the provider sees no change when it is removed.
        creditSpecification: {
            kind: {
                cpuCredits: {
                    kind: "string",
                    computed: true,
                    inert: "the lab's machines share their host's resources",
                    invalid: oneOf("standard", "unlimited"),
                },
            },
            computed: true,
        },
        maintenanceOptions: {
            kind: {
                autoRecovery: {
                    kind: "string",
                    inert: "the lab's hosts do not fail",
                    computed: true,
                    model: model("ec2", "RunInstances", "MaintenanceOptions.AutoRecovery"),
                },
            },
            computed: true,
        },
        disableApiTermination: { kind: "boolean", computed: true },
        ebsOptimized: {
            kind: "boolean",
            inert: "the lab's machines share their host's resources",
            computed: true,
            forceNew: true,
        },
        monitoring: { kind: "boolean", inert: "the lab has no CloudWatch", computed: true },
        tags: { kind: "tags" },
    },
    outputs: [
        "arn",
        "region",
        "availabilityZone",
        "instanceState",
        "primaryNetworkInterfaceId",
        "subnetId",
        "vpcSecurityGroupIds",
        "privateIp",
        "privateDns",
        "publicIp",
        "publicDns",
        "associatePublicIpAddress",
        "ipv6AddressCount",
        "ipv6Addresses",
    ],
    check: (inputs) => [...checkNetwork(inputs), ...checkInstance(inputs)],
    replaces: (_olds, news) => (news.userDataReplaceOnChange === true ? ["userData"] : []),
    create(cloud, inputs) {
        const { state } = cloud;
        const { id: interfaceId } = interfaceFor(cloud, inputs);
        const zone = zoneOf(state, interfaceId);
        const made: Instance = {
            id: newId("i"),
            imageId: text(inputs, "ami"),
            instanceType: text(inputs, "instanceType"),
            networkInterfaceId: interfaceId,
            userData: (inputs.userData as string | undefined) ?? "",
            desired: "running",
            rootSizeGiB: rootSize(inputs),
            cpuCredits: creditsOf(inputs),
            iamInstanceProfile: profileOf(state, inputs),
        };
        const image = findImage(made.imageId);
        refuseRootDevice(inputs, made.rootSizeGiB);
        refuseType(made.instanceType, image, zone);
        setMetadata(made, inputs);
        refuseVcpus([...Object.values(state.instances), made]);
        if (image.architecture !== LAB_ARCHITECTURE) {
            throw new LabError("the lab runs on amd64 only: arm64 can be previewed, not brought up");
        }
        state.instances[made.id] = made;
        return made.id;
    },
    async update(change, id, news, olds) {
        // If the profile is removed from the settings, it stays attached: the provider sees no change.
        const profileChanges =
            news.iamInstanceProfile !== undefined && news.iamInstanceProfile !== olds.iamInstanceProfile;
        const needsStop = await change(({ state }) => {
            const target = findInstance(state, id);
            const wanted = text(news, "instanceType");
            refuseType(wanted, findImage(target.imageId), zoneOf(state, target.networkInterfaceId));
            if (rootSize(news) < target.rootSizeGiB) {
                throw new ApiError("InvalidParameterValue", "New size cannot be smaller than existing size");
            }
            refuseRootDevice(news, rootSize(news));
            target.rootSizeGiB = rootSize(news);
            setMetadata(target, news);
            target.cpuCredits = creditsOf(news, target.cpuCredits);
            if (profileChanges) target.iamInstanceProfile = profileOf(state, news);
            updateInterface(state, target, news);
            return wanted !== target.instanceType || userDataOf(target, news) !== target.userData;
        });
        if (!needsStop) return;
        // Type and user data can change only while the machine is stopped. cloud-init does not run again.
        const wasRunning = await change(({ state }) => {
            const target = findInstance(state, id);
            const { desired } = target;
            stop(state, target);
            return desired === "running";
        });
        await change(({ state, lab }) => {
            const target = findInstance(state, id);
            target.instanceType = text(news, "instanceType");
            target.userData = userDataOf(target, news);
            if (wasRunning) start(state, lab, target);
        });
    },
    async remove(change, id, state) {
        if (state.disableApiTermination === true) {
            throw new ApiError(
                "OperationNotPermitted",
                `The instance '${id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`,
            );
        }
        await change(({ state }) => terminate(state, id));
    },

    describe(cloud, id, inputs) {
        const found = cloud.state.instances[id];
        if (!found) return undefined;
        const card = findInterface(cloud.state, found.networkInterfaceId);
        const publicIp = publicIpOf(cloud.state, card) ?? "";
        return {
            arn: arn(cloud, "instance", id),
            ami: found.imageId,
            instanceType: found.instanceType,
            availabilityZone: zoneOf(cloud.state, card.id),
            instanceState: found.desired,
            primaryNetworkInterfaceId: card.id,
            subnetId: card.subnetId,
            vpcSecurityGroupIds: card.securityGroupIds,
            privateIp: card.privateIp,
            privateDns: privateName(card.privateIp, cloud.region),
            publicIp,
            publicDns: publicIp && publicName(publicIp, cloud.region),
            iamInstanceProfile: found.iamInstanceProfile ?? "",
            ...(found.cpuCredits ? { creditSpecification: { cpuCredits: found.cpuCredits } } : {}),
            associatePublicIpAddress: publicIp !== "",
            ipv6AddressCount: card.ipv6Addresses.length,
            ipv6Addresses: card.ipv6Addresses,
            rootBlockDevice: {
                deviceName: findImage(found.imageId).rootDeviceName,
                volumeType: "gp2",
                encrypted: false,
                ...(isMap(inputs.rootBlockDevice) ? inputs.rootBlockDevice : {}),
                volumeSize: found.rootSizeGiB,
            },
        };
    },
};

function profileOf(state: CloudState, inputs: Values): string | undefined {
    const name = optionalText(inputs, "iamInstanceProfile");
    if (!name) return undefined;
    const found = state.instanceProfiles[name];
    if (!found) {
        const reason = "is invalid. Invalid IAM Instance Profile name";
        throw new ApiError("InvalidParameterValue", `Value (${name}) for parameter iamInstanceProfile.name ${reason}`);
    }
    if (!found.role) {
        throw new ApiError("InvalidParameterValue", `IAM Instance Profile "${found.arn}" has no associated IAM Roles`);
    }
    return name;
}

function creditsOf({ creditSpecification, instanceType }: Values, otherwise = "unlimited"): string | undefined {
    if (!findInstanceType(asText(instanceType))?.burstable) return undefined;
    const given = isMap(creditSpecification) ? creditSpecification.cpuCredits : undefined;
    return asText(given) || otherwise;
}

function userDataOf(target: Instance, news: Values): string {
    return (news.userData as string | undefined) ?? target.userData;
}

function rootSize(inputs: Values): number {
    const device = inputs.rootBlockDevice;
    return isMap(device) && typeof device.volumeSize === "number" ? device.volumeSize : ROOT_MINIMUM_GIB;
}
