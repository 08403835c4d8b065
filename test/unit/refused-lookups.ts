import { TIER } from "./tier-settings.ts";

export const ARM_PACKAGE = { linkmeshDebUrl: "https://packages.example.com/linkmesh-server_1.101.0_arm64.deb" };

const TOPIC = (region: string) => `arn:aws:sns:${region}:123456789012:ops`;

/** The stack's domain, and names beside it. */
export const certificateNames = (count: number) => [
    "linkmesh.example.com",
    ...Array.from({ length: count - 1 }, (_, i) => `name-${i}.example.com`),
];

/** What the lookups refuse: a title, the settings, and the zone of the stack's data volume. */
export const REFUSED_LOOKUPS: [what: string, config: Record<string, string>, volumeZone?: string][] = [
    ["`domain` in no zone of the account", { domain: "linkmesh.elsewhere.org" }],
    ["`grpcDomain` in no zone of the account", { grpcDomain: "grpc.example.net" }],
    ["`hostedZone` that does not exist", { hostedZone: "linkmesh.example.com" }],
    ["`uiDomain` in another zone", { uiDomain: "ui.dev.example.com" }],
    [
        "`certificateNames` outside the zone with dns-01",
        { acmeChallenge: "dns-01", certificateNames: '["linkmesh.example.com","a.example.net"]' },
    ],
    [
        "`hostedZone` around a closer zone with dns-01",
        {
            acmeChallenge: "dns-01",
            hostedZone: "example.com",
            certificateNames: '["linkmesh.example.com","a.dev.example.com"]',
        },
    ],
    ["`instanceType` of an older generation", { instanceType: "t2.small" }],
    ["`instanceType` that the region does not offer", { instanceType: "m1.none" }],
    ["`instanceType` that the subnet's zone does not offer", { subnetId: "subnet-0aaaa", instanceType: "m7i.large" }],
    ["`instanceType` that the data volume's zone does not offer", { instanceType: "m7i.large" }, "eu-central-1a"],
    [
        "`instanceType` that `availabilityZone` does not offer",
        { instanceType: "m7i.large", availabilityZone: "eu-central-1a" },
    ],
    ["`availabilityZone` of another region", { availabilityZone: "us-east-1a" }],
    ["`availabilityZone` other than the subnet's", { availabilityZone: "eu-central-1a", subnetId: "subnet-0aaaa" }],
    ["`availabilityZone` other than the data volume's", { availabilityZone: "eu-central-1b" }, "eu-central-1a"],
    ["`subnetId` in a Local Zone", { subnetId: "subnet-010c" }],
    ["`subnetId` in another zone than the data volume", { subnetId: "subnet-0aaaa" }, "eu-central-1a"],
    ["`subnetId` that does not exist", { subnetId: "subnet-0404" }],
    ["`subnetId` with only a NAT gateway", { subnetId: "subnet-00a7" }],
    ["`subnetId` without a default route", { subnetId: "subnet-0000" }],
    ["`subnetId` without IPv4", { subnetId: "subnet-0006" }],
    ["`linkmeshDebUrl` of the other architecture", { instanceType: "t4g.small" }],
    ["`dataVolumeSize` smaller than the data volume", { dataVolumeSize: "9" }, "eu-central-1a"],
    ["`subnetIds` in two VPCs", { ...TIER, subnetIds: '["subnet-0a0a","subnet-0e0e"]' }],
    ["`subnetIds` in one availability zone", { ...TIER, subnetIds: '["subnet-0aaaa","subnet-0cccc"]' }],
    ["`subnetIds` in a Local Zone", { ...TIER, subnetIds: '["subnet-010c"]' }],
    ["`subnetIds` of which one has no IPv6", { ...TIER, subnetIds: '["subnet-0a0a","subnet-0004"]' }],
    ["`subnetIds` with only a NAT gateway", { ...TIER, subnetIds: '["subnet-00a7"]' }],
    ["`subnetIds` that do not exist", { ...TIER, subnetIds: '["subnet-0404"]' }],
    [
        "more `nodes` than addresses in the zones that offer `instanceType`",
        { ...TIER, nodes: "26", instanceType: "m7i.large" },
    ],
    ["11 `certificateNames` with several `nodes`", { ...TIER, certificateNames: JSON.stringify(certificateNames(11)) }],
    ["`imageId` without the ENA driver", { imageId: "ami-0ena" }],
    ["`imageId` with another boot mode", { imageId: "ami-0bios", instanceType: "t4g.small", ...ARM_PACKAGE }],
    ["`imageId` without an EBS root disk", { imageId: "ami-0store" }],
    [
        "`httpsAllowedCidrs` of IPv6 in a subnet without IPv6",
        { subnetId: "subnet-0004", httpsAllowedCidrs: '["2001:db8::/64"]' },
    ],
    ["`alarms` with a topic of a region without alarms", { alarms: `a@example.com,${TOPIC("eu-west-1")}` }],
    ["`sessionManager` on Debian without `ssmAgentDebUrl`", { sessionManager: "true" }],
    [
        "`ssmAgentDebUrl` on Ubuntu",
        {
            ...{ sessionManager: "true", operatingSystem: "ubuntu-24.04", ssmAgentDebSha256: "0".repeat(64) },
            ssmAgentDebUrl: "https://s3.example.com/amazon-ssm-agent.deb",
        },
    ],
    ["`alarms` without a topic of us-east-1", { alarms: TOPIC("eu-central-1") }],
    ["`alarms` without a topic of the stack's region", { alarms: TOPIC("us-east-1") }],
    ["`imageId` that does not exist", { imageId: "ami-0404" }],
    ["`imageId` of the other architecture", { imageId: "ami-0arm" }],
    ["`imageId` of another `operatingSystem`", { imageId: "ami-0bookworm", operatingSystem: "debian-13" }],
    ["`imageId` whose name shows no operating system", { imageId: "ami-0custom" }],
    ["`uiDomain` with an older nginx", { uiDomain: "ui.example.com", operatingSystem: "debian-12" }],
    ["`uiDomain` with an older nginx of `imageId`", { uiDomain: "ui.example.com", imageId: "ami-0bookworm" }],
    ["`restoreFrom` that does not exist", { restoreFrom: "snap-0404" }],
    ["`restoreFrom` of another stack", { restoreFrom: "snap-00bb" }],
    ["`restoreFrom` without an owner", { restoreFrom: "snap-00cc" }],
    ["`restoreFrom` larger than `dataVolumeSize`", { restoreFrom: "snap-00aa" }],
];
