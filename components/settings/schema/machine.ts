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
            "EC2 instance type, of a Nitro generation. t3.small is about $15 a month and enough for 10,000 collectors' connections.",
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
            "What a burstable type (t3, t3a, t4g) does once its CPU credits are used up: unlimited goes on at full speed and costs $0.05 for each hour of a CPU above the baseline ($0.04 with t4g), at most some $58 a month with t3.small; standard slows down to the baseline, 20 % of each CPU with t3.small. A new machine has no credits yet, so that with standard its first `pulumi up` takes longer. Changed while the machine runs. By default the account's own, which is unlimited unless somebody has changed it.",
        default: "",
        example: "standard",
        change: ["AWS resources change"],
        schema: optional(choice(["unlimited", "standard"], "must be unlimited or standard")),
    }),
    operatingSystem: setting({
        formerName: "image",
        type: "string",
        description:
            "The system: debian-13, debian-12 or ubuntu-24.04, for amd64 or arm64 as the instance type wants. By default that of imageId by its name, or debian-13. A change replaces the machine.",
        default: "",
        example: "ubuntu-24.04",
        change: ["new machine"],
        schema: optional(choice(OPERATING_SYSTEMS, "must be debian-13, debian-12 or ubuntu-24.04")),
    }),
    imageId: setting({
        type: "string",
        description:
            "Machine image. By default the newest one of the system at the time of the machine's creation; newer images then change nothing until the machine is replaced. A pinned image is always honoured.",
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
            "Availability zone of a new stack. By default that of subnetId, or the first of the region that offers the instance type. Name another one where the type is out of capacity. A data volume cannot move, so a stack that has one stays where it is.",
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
        description: "IPv4 block of the VPC that the program creates, between /16 and /28. Of no use with subnetId.",
        default: "10.77.0.0/24",
        example: "10.20.0.0/24",
        change: ["new machine", "new addresses"],
        changeNote: "the public IPv4 address stays",
        schema: vpcBlock,
    }),
    subnetId: setting({
        type: "string",
        description:
            "An existing subnet to use instead of an own VPC: public (with an internet gateway), or with publicAddress=false one that has another way out. Without an IPv6 block the machine has IPv4 alone.",
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
            "Give the machine a public IPv4 address. With false the names lead to its private one, for a network that reaches it (a VPN, peering) and lets it out (a NAT gateway); `pulumi up` has to reach it, too, or go through bastionHost.",
        default: true,
        example: "false",
        change: ["new addresses"],
        changeNote: "the IPv6 address stays",
        schema: flag,
    }),
    dataVolumeSize: setting({
        type: "integer",
        description:
            "Size of the data volume in GiB, from 1 to 16,384. It can grow later, never shrink. About $0.08 a GiB a month.",
        default: 10,
        example: "20",
        change: ["AWS resources change"],
        schema: wholeNumber(1, 16_384),
    }),
    dailySnapshots: setting({
        type: "integer",
        description:
            "How many daily snapshots of the data volume are kept, from 0 (none are taken) to 365. The cloud's own scheduler takes them at 03:00 UTC; they outlive the stack and the volume, and nothing deletes those of a volume that is gone. About $0.05 a month for each GiB of changed data.",
        default: 0,
        example: "7",
        change: ["AWS resources change"],
        schema: wholeNumber(0, 365),
    }),
    finalSnapshot: setting({
        type: "boolean",
        description:
            "Keep a last snapshot of the data volume when it is deleted, as by `pulumi destroy`. Counts from the next `pulumi up` on; set from the start, since a change is one of the four modifications of a volume that AWS allows in 24 hours, as growing is. About $0.05 a month for each GiB of data, until you delete it.",
        default: false,
        example: "true",
        change: ["AWS resources change"],
        schema: flag,
    }),
    restoreFrom: setting({
        type: "string",
        description:
            "Snapshot from which a new data volume is made: its id, or latest for the newest of this stack. A data volume that exists already stays as it is.",
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
            "Take the machine away and keep addresses, names and data volume. Without it the same LinkMesh comes back.",
        default: false,
        example: "true",
        change: ["new machine"],
        changeNote: "true takes the machine away, false creates a new one",
        schema: flag,
    }),
    protect: setting({
        type: "boolean",
        description:
            "Refuse to destroy the stack, and to replace its addresses and its data volume, until it is false again and `pulumi up` has run.",
        default: false,
        example: "true",
        change: [],
        schema: flag,
    }),
    tags: setting({
        type: "object",
        description:
            "Tags for everything that is created, besides Name. Keys that differ in case alone are refused, as IAM does.",
        default: {},
        example: '{"team":"platform"}',
        change: ["AWS resources change"],
        schema: z
            .record(
                // What IAM takes, the strictest of all that is tagged.
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
            // AWS takes 50, and the program and AWS's scheduler of snapshots add their own.
            .refine((tags) => Object.keys(tags).length <= 45, "must hold at most 45 tags")
            .refine(
                (tags) =>
                    new Set(["name", ...Object.keys(tags).map((key) => key.toLowerCase())]).size >
                    Object.keys(tags).length,
                "must have keys that differ in more than case, none of which is Name",
            ),
    }),
} as const;
