import { expect, it } from "vitest";
import { IMAGES } from "../../lab/cloud/images.ts";
import { TestCloud } from "./lab-aws-cloud.ts";

const AMI = "aws:ec2/getAmi:getAmi";
const DEBIAN_OWNER = "136693071363";
const UBUNTU_OWNER = "099720109477";
const cloud = TestCloud.create();

it.each<[system: string, owner: string, name: string, architecture: string, imageId: string]>([
    ["Debian 13", DEBIAN_OWNER, "debian-13-*", "x86_64", "ami-0debian13labamd64"],
    ["Debian 13", DEBIAN_OWNER, "debian-13-*", "arm64", "ami-0debian13labarm64"],
    ["Debian 12", DEBIAN_OWNER, "debian-12-*", "arm64", "ami-0debian12labarm64"],
    ["Ubuntu", UBUNTU_OWNER, "*/ubuntu-noble-24.04-amd64-server-*", "x86_64", "ami-0ubuntu24labamd64"],
    ["Ubuntu", UBUNTU_OWNER, "*/ubuntu-noble-24.04-arm64-server-*", "arm64", "ami-0ubuntu24labarm64"],
])("%s of %s, %s on %s is found", async (_, owner, name, architecture, imageId) => {
    const filters = [
        { name: "name", values: [name] },
        { name: "architecture", values: [architecture] },
    ];
    const found = await cloud.invoke(AMI, { owners: [owner], mostRecent: true, filters });
    expect(found).toMatchObject({ imageId, architecture, ownerId: owner });
    const other = owner === DEBIAN_OWNER ? UBUNTU_OWNER : DEBIAN_OWNER;
    await expect(cloud.invoke(AMI, { owners: [other], filters })).rejects.toThrow("returned no results");
});

it.each(IMAGES)("$imageId is found by its id, whoever owns it", async ({ imageId, name, owner, architecture }) => {
    const found = await cloud.invoke(AMI, { filters: [{ name: "image-id", values: [imageId] }] });
    expect(found).toMatchObject({ id: imageId, name, ownerId: owner, architecture });
    expect(found.creationDate).toBe("2026-01-01T00:00:00.000Z");
});

it.each<[ami: string, instanceType: string, message: string]>([
    ["ami-0debian13labamd64", "t4g.small", "InvalidParameterValue: The architecture 'arm64' of the specified instance"],
    ["ami-0ubuntu24labarm64", "t3.small", "does not match the architecture 'arm64' of the specified AMI"],
    ["ami-0ubuntu24labarm64", "t4g.small", "the lab runs on amd64 only: arm64 can be previewed, not brought up"],
    ["ami-0", "t3.small", "InvalidAMIID.NotFound"],
    ["ami-0debian13labamd64", "t3a.nano", "InsufficientInstanceCapacity: We currently do not have sufficient t3a.nano"],
])("a machine of %s and %s is refused", async (ami, instanceType, message) => {
    const cloud = TestCloud.create();
    const { card } = await cloud.network();
    await expect(cloud.instance(card, { ami, instanceType })).rejects.toThrow(message);
    expect((await cloud.state()).instances).toEqual({});
});
