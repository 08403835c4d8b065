import { Machine } from "../../../components/cloud/machine.ts";
import { joinNetwork } from "../../../components/cloud/network.ts";
import { SecurityGroup } from "../../../components/cloud/security-group.ts";
import { createAccess } from "../../../components/host/access.ts";
import { loadSettings, lookUp, setUp, SshHost } from "../../../components/index.ts";
import { openPorts } from "../../../components/listeners.ts";
import * as pulumi from "@pulumi/pulumi";

// A machine as the tier has several: behind a load balancer, in whose place the tests connect, and without a data volume.

const NAME = "linkmesh";
const settings = loadSettings();
const lookups = await lookUp(NAME, settings);
const parent = new pulumi.ComponentResource("linkmesh-proxy:test:Node", NAME, {});

const network = joinNetwork(`${NAME}-network`, { settings, lookups, tags: {} }, { parent });
const group = new SecurityGroup(
    `${NAME}-security`,
    {
        vpcId: network.vpcId,
        ports: openPorts(settings),
        sshAllowedCidrs: settings.sshAllowedCidrs,
        ipv6: lookups.ipv6,
    },
    { parent },
);
const access = createAccess(NAME, settings, { parent });
const { instanceType, publicAddress, dataVolumeSize, finalSnapshot, paused, protect } = settings;
const { imageId, rootVolumeSize, operatingSystem, ipv6 } = lookups;
const machine = new Machine(
    `${NAME}-machine`,
    {
        ...{ instanceType, publicAddress, dataVolumeSize, finalSnapshot, paused, protect },
        ...{ imageId, rootVolumeSize, operatingSystem, ipv6 },
        imagePinned: false,
        subnetId: network.subnetId,
        availabilityZone: network.availabilityZone,
        securityGroupIds: [group.id],
        userData: access.userData,
        dataVolumeTags: {},
        network: [...network.routes, ...group.rules],
    },
    { parent },
);

// The volume of this machine stays unused.
const host = { ...machine.host!, device: undefined };
const { privateKey, hostKey } = access;
setUp(new SshHost(NAME, parent, { host, privateKey, hostKey }), {
    ...{ settings, host, owner: "linkmesh-node/test/linkmesh" },
    ...{ zone: undefined, records: [], dns01: undefined },
    balancer: { cidrs: ["10.77.0.0/16", "fd77::/48"], drainSeconds: 5 },
});
