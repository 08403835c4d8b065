export const ARM_PACKAGE = { linkmeshDebUrl: "https://packages.example.com/linkmesh-server_1.101.0_arm64.deb" };

/** What the look-up of the surroundings refuses: what is set besides, and the zone of the stack's data volume. */
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
    ["`instanceType` that the region lacks", { instanceType: "m1.none" }],
    ["`instanceType` that the subnet's zone lacks", { subnetId: "subnet-0aaaa", instanceType: "m7i.large" }],
    ["`instanceType` that the data volume's zone lacks", { instanceType: "m7i.large" }, "eu-central-1a"],
    ["`subnetId` in another zone than the data volume", { subnetId: "subnet-0aaaa" }, "eu-central-1a"],
    ["`subnetId` that does not exist", { subnetId: "subnet-0404" }],
    ["`subnetId` with a NAT gateway alone", { subnetId: "subnet-00a7" }],
    ["`subnetId` without a default route", { subnetId: "subnet-0000" }],
    ["`subnetId` without IPv4", { subnetId: "subnet-0006" }],
    ["`linkmeshDebUrl` of the other architecture", { instanceType: "t4g.small" }],
    ["`dataVolumeSize` less than the data volume has", { dataVolumeSize: "9" }, "eu-central-1a"],
    ["`imageId` without a driver for its network", { imageId: "ami-0ena" }],
    ["`imageId` that boots otherwise", { imageId: "ami-0bios", instanceType: "t4g.small", ...ARM_PACKAGE }],
    ["`imageId` without a disk of EBS", { imageId: "ami-0store" }],
    [
        "`httpsAllowedCidrs` of IPv6 in a subnet without it",
        { subnetId: "subnet-0004", httpsAllowedCidrs: '["2001:db8::/64"]' },
    ],
    ["`imageId` that does not exist", { imageId: "ami-0404" }],
    ["`imageId` of the other architecture", { imageId: "ami-0arm" }],
    ["`imageId` that is not what `image` says", { imageId: "ami-0bookworm", image: "debian-13" }],
    ["`imageId` whose name tells no system", { imageId: "ami-0custom" }],
    ["`uiDomain` where nginx is too old for it", { uiDomain: "ui.example.com", image: "debian-12" }],
    ["`uiDomain` on a pinned old image", { uiDomain: "ui.example.com", imageId: "ami-0bookworm" }],
    ["`restoreFrom` that does not exist", { restoreFrom: "snap-0404" }],
    ["`restoreFrom` of another stack", { restoreFrom: "snap-00bb" }],
    ["`restoreFrom` of nobody", { restoreFrom: "snap-00cc" }],
    ["`restoreFrom` larger than `dataVolumeSize`", { restoreFrom: "snap-00aa" }],
];
