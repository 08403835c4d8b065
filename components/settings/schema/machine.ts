import { z } from "zod";
import { choice, flag, optional, plainValue, text, vpcBlock, wholeNumber } from "./types.ts";
import { OPERATING_SYSTEMS } from "../../operating-systems.ts";
import { setting } from "./setting.ts";

const OF_A_TAG = "of letters, digits, spaces and _.:/=+-@";

/** The machine, its network and its disk. */
export const MACHINE_SETTINGS = {
    instanceType: setting({
        type: "string",
        description:
            "EC2 instance type of a Nitro generation. t3.small costs about $15 a month and holds nginx's connections of 10,000 collectors. LinkMesh's own memory comes on top: docs/scale.md computes t3.medium for both.",
        default: "t3.small",
        example: "t4g.small",
        change: ["new machine"],
        schema: text
            .toLowerCase()
            .regex(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, "must be an EC2 instance type such as t3.small"),
    }),
    cpuCredits: setting({
        type: "string",
        description:
            "What a burstable instance type (t3, t3a, t4g) does when its CPU credits run out. unlimited keeps full speed and costs $0.05 for each hour of a CPU above the baseline ($0.04 with t4g), at most about $58 a month with t3.small. standard slows down to the baseline, 20 % of each CPU with t3.small; a new machine starts without credits, so its first `pulumi up` takes longer. If left out, the account's default counts, which is unlimited unless someone changed it.",
        default: "",
        example: "standard",
        change: ["AWS resources change"],
        schema: optional(choice(["unlimited", "standard"], "must be unlimited or standard")),
    }),
    operatingSystem: setting({
        formerName: "image",
        type: "string",
        description:
            "Operating system of the machine: debian-13, debian-12 or ubuntu-24.04, for amd64 or arm64 as instanceType requires. If left out, the one that the name of imageId says, or debian-13.",
        default: "",
        example: "ubuntu-24.04",
        change: ["new machine"],
        schema: optional(choice(OPERATING_SYSTEMS, "must be debian-13, debian-12 or ubuntu-24.04")),
    }),
    imageId: setting({
        type: "string",
        description:
            "Machine image (AMI). If left out, the newest image of operatingSystem at the time when the machine is created; a newer one then counts only when the machine is replaced.",
        default: "",
        example: "ami-0123456789abcdef0",
        change: ["new machine"],
        changeNote: "nothing if you remove it and the operating system stays the same",
        schema: optional(
            text.toLowerCase().regex(/^ami-[a-z0-9]+$/, "must be an image id such as ami-0123456789abcdef0"),
        ),
    }),
    availabilityZone: setting({
        type: "string",
        description:
            "Availability zone of a new stack. Name another one if the instance type is out of capacity. A data volume cannot move, so an existing stack stays where it is. If left out, the zone of subnetId, or the first in the region that offers the instance type.",
        default: "",
        example: "eu-central-1b",
        change: [],
        changeNote: "a stack that exists stays where it is, and another zone is refused",
        schema: optional(
            text
                .toLowerCase()
                .regex(/^[a-z]+(-[a-z]+)+-\d+[a-z]$/, "must be an availability zone such as eu-central-1b"),
        ),
    }),
    vpcCidr: setting({
        type: "string",
        description:
            "IPv4 block of the VPC that the program creates, from /16 to /28. Not used with subnetId or subnetIds.",
        default: "10.77.0.0/24",
        example: "10.20.0.0/24",
        change: ["new machine", "new addresses"],
        changeNote: "the public IPv4 address stays",
        schema: vpcBlock,
    }),
    subnetId: setting({
        type: "string",
        description:
            "An existing subnet to use. It needs an internet gateway or, with publicAddress=false, another way out. In a subnet without an IPv6 block the machine has only IPv4. If left out, the program creates a VPC with a subnet.",
        default: "",
        example: "subnet-0123456789abcdef0",
        change: ["new machine", "new addresses"],
        changeNote: "the public IPv4 address stays",
        schema: optional(
            text.toLowerCase().regex(/^subnet-[a-f0-9]+$/, "must be a subnet id such as subnet-0123456789abcdef0"),
        ),
    }),
    publicAddress: setting({
        type: "boolean",
        description:
            "Give the machine a public IPv4 address, for about $3.65 a month. With false, the names lead to its private address: clients and `pulumi up` need a way to it (a VPN, peering, or bastionHost for `pulumi up`), and the machine needs a way out (a NAT gateway).",
        default: true,
        example: "false",
        change: ["new addresses"],
        changeNote: "the IPv6 address stays",
        schema: flag,
    }),
    dataVolumeSize: setting({
        type: "integer",
        description:
            "Size of the data volume in GiB, from 1 to 16,384. It can grow later, but never shrink. About $0.08 a month for each GiB.",
        default: 10,
        example: "20",
        change: ["AWS resources change"],
        schema: wholeNumber(1, 16_384),
    }),
    dailySnapshots: setting({
        type: "integer",
        description:
            "How many daily snapshots of the data volume to keep, from 0 (none are taken) to 365. AWS takes them at 03:00 UTC. They outlive the stack and the volume, and nothing deletes those of a volume that is gone. About $0.05 a month for each GiB of changed data.",
        default: 0,
        example: "7",
        change: ["AWS resources change"],
        schema: wholeNumber(0, 365),
    }),
    finalSnapshot: setting({
        type: "boolean",
        description:
            "Keep a last snapshot when the data volume is deleted, for example by `pulumi destroy`. It counts after the next `pulumi up`. Set it from the start: a later change is one of the four volume modifications that AWS allows in 24 hours, as growing is. About $0.05 a month for each GiB of data, until you delete the snapshot.",
        default: false,
        example: "true",
        change: ["AWS resources change"],
        schema: flag,
    }),
    restoreFrom: setting({
        type: "string",
        description:
            "Snapshot from which to create a new data volume: its id, or latest for the newest of this stack. An existing data volume stays as it is. If left out, a new data volume is empty.",
        default: "",
        example: "latest",
        change: [],
        changeNote: "counts when a data volume is created",
        schema: optional(
            text
                .toLowerCase()
                .regex(/^(latest|snap-[a-f0-9]+)$/, 'must be "latest" or a snapshot id such as snap-0123456789abcdef0'),
        ),
    }),
    paused: setting({
        type: "boolean",
        description:
            "Remove the machine or all nodes, and keep addresses, names and data volume, or the load balancer. With false, the same LinkMesh comes back.",
        default: false,
        example: "true",
        change: ["new machine"],
        changeNote: "true takes the machine away, false creates a new one",
        schema: flag,
    }),
    protect: setting({
        type: "boolean",
        description:
            "Refuse to destroy the stack and to replace its addresses and data volume, or the load balancer of several nodes. To lift the protection, set it to false and run `pulumi up`.",
        default: false,
        example: "true",
        change: [],
        schema: flag,
    }),
    tags: setting({
        type: "object",
        description:
            "Tags for everything that is created, besides Name. Keys that differ only in case are refused, because IAM refuses them.",
        default: {},
        example: '{"team":"platform"}',
        change: ["AWS resources change"],
        schema: z
            .record(
                // IAM has the strictest rules of all services that get the tags.
                z
                    .string()
                    .regex(
                        /^(?!\s)[\p{L}\p{Z}\p{N}_.:/=+@-]{1,128}(?<!\s)$/u,
                        `must have keys ${OF_A_TAG}, 128 at most`,
                    )
                    .refine((key) => !/^aws:/i.test(key), 'must have keys that do not start with "aws:"'),
                plainValue.pipe(
                    z.string().regex(/^[\p{L}\p{Z}\p{N}_.:/=+@-]{0,256}$/u, `must be a value ${OF_A_TAG}, 256 at most`),
                ),
            )
            // AWS allows 50, and the program and AWS's snapshot scheduler add their own.
            .refine((tags) => Object.keys(tags).length <= 45, "must hold at most 45 tags")
            .refine(
                (tags) =>
                    new Set(["name", ...Object.keys(tags).map((key) => key.toLowerCase())]).size >
                    Object.keys(tags).length,
                "must not have keys that differ only in case, nor the key Name: rename them",
            ),
    }),
} as const;
