import { beforeEach, describe, expect, it } from "vitest";
import type { Values } from "../../lab/providers/property-values.ts";
import { TestCloud } from "./lab-aws-cloud.ts";

let cloud: TestCloud;
beforeEach(() => {
    cloud = TestCloud.create();
});

const volume = (more: Values) => ({ availabilityZone: "eu-central-1a", size: 10, ...more });
const TOO_FAST: [inputs: Values, reason: string][] = [
    [{ type: "gp3", iops: 2999 }, "Volume iops of 2999 is too low; minimum is 3000."],
    [{ type: "gp3", iops: 5001 }, "Iops to volume size ratio of 500.100000 is too high; maximum is 500"],
    [{ type: "gp3", size: 1, iops: 3001 }, "Iops to volume size ratio of 3001.000000 is too high; maximum is 500"],
    [{ type: "gp3", size: 1000, iops: 80_001 }, "Volume iops of 80001 is too high; maximum is 80000."],
    [{ type: "gp3", throughput: 751 }, "Throughput (MiBps) to iops ratio of 0.250333 is too high; maximum is 0.250000"],
    [{ type: "gp3", iops: 4000, throughput: 1001 }, "Throughput (MiBps) to iops ratio of 0.250250 is too high"],
    [{ type: "io1", iops: 501 }, "Iops to volume size ratio of 50.100000 is too high; maximum is 50"],
    [{ type: "io2", size: 1000, iops: 256_001 }, "Volume iops of 256001 is too high; maximum is 256000."],
];

describe("a volume", () => {
    it.each<[inputs: Values, reason: string]>([
        ...TOO_FAST,
        [{ type: "gp2", size: 16_385 }, "Volume of 16385GiB is too large; maximum is 16384GiB."],
        [{ type: "gp3", size: 65_537 }, "Volume of 65537GiB is too large; maximum is 65536GiB."],
        [{ size: 16_385 }, "Volume of 16385GiB is too large; maximum is 16384GiB."],
        [{ type: "st1" }, "Volume of 10GiB is too small; minimum is 125GiB."],
        [{ type: "io2", size: 3, iops: 100 }, "Volume of 3GiB is too small; minimum is 4GiB."],
    ])("of %j is refused by EBS, but not by the preview", async (inputs, reason) => {
        const made = cloud.make("Volume", volume(inputs));
        await expect(made).rejects.toThrow(`creating EBS Volume: api error InvalidParameterValue: ${reason}`);
        expect((await cloud.state()).volumes).toEqual({});
    });

    it.each<Values>([
        { type: "gp3", size: 1, iops: 3000, throughput: 750 },
        { type: "gp3", size: 160, iops: 80_000, throughput: 2000 },
        { type: "io1", iops: 500 },
        { type: "io2", iops: 10_000 },
        { type: "standard", size: 1024 },
    ])("of %j is made", async (inputs) => {
        await cloud.make("Volume", volume(inputs));
    });

    it("refuses a change beyond its limits and stays unchanged", async () => {
        const made = await cloud.make("Volume", volume({ type: "gp3" }));
        const changes: Values[] = [
            { iops: 5001 },
            { throughput: 751 },
            { size: 65_537 },
            { type: "sc1" },
            { type: "io2" },
        ];
        for (const change of changes) {
            const changed = cloud.update(made, volume({ type: "gp3", ...change }));
            await expect(changed).rejects.toThrow(/updating EBS Volume \(vol-.*: api error InvalidParameter/);
        }
        expect((await cloud.state()).volumes[made.id]?.sizeGiB).toBe(10);
        await cloud.update(made, volume({ type: "gp2", iops: 3000 }));
    });
});

describe("a root disk", () => {
    const launch = async (rootBlockDevice: Values) => {
        const { card } = await cloud.network();
        return cloud.make("Instance", { ...cloud.instanceInputs(card), rootBlockDevice });
    };

    it.each<[device: Values, reason: string]>([
        ...TOO_FAST.map<[Values, string]>(([{ size, type, ...rest }, reason]) => [
            { volumeType: type!, volumeSize: size ?? 10, ...rest },
            `api error InvalidParameterValue: ${reason}`,
        ]).filter(([{ volumeSize }]) => volumeSize !== 1),
        [
            { volumeType: "gp2", throughput: 125 },
            "collecting instance settings: creating resource: throughput attribute not supported for root_block_device with volume_type gp2",
        ],
        [
            { volumeType: "standard", iops: 100 },
            "collecting instance settings: creating resource: iops attribute not supported for root_block_device with volume_type standard",
        ],
        [
            { volumeType: "io2", volumeSize: 8 },
            "api error InvalidParameterCombination: The parameter iops must be specified for io2 volumes.",
        ],
        [{ volumeSize: 7 }, "api error InvalidBlockDeviceMapping: Volume of size 7GB is smaller than snapshot"],
    ])("%j is refused at creation, as by the provider", async (device, reason) => {
        await expect(launch(device)).rejects.toThrow(`creating EC2 Instance: ${reason}`);
    });

    it("refuses a change beyond its limits", async () => {
        const made = await launch({ volumeType: "gp3" });
        const wish = { ...made.inputs, rootBlockDevice: { volumeType: "gp3", iops: 80_000 } };
        await expect(cloud.update(made, wish)).rejects.toThrow("Iops to volume size ratio of 10000.000000 is too high");
    });
});
