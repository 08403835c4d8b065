import * as pulumi from "@pulumi/pulumi";
import { LinkMesh } from "linkmesh-proxy";

const config = new pulumi.Config();

/** Changes the arguments of an inner resource before the engine sees them: a larger root disk, and detailed monitoring. */
const transform: pulumi.ResourceTransform = ({ type, props, opts }) => {
    if (type !== "aws:ec2/instance:Instance") return undefined;
    const rootBlockDevice = { ...(props.rootBlockDevice as object), volumeSize: 20 };
    return { props: { ...props, rootBlockDevice, monitoring: true }, opts };
};

const linkmesh = new LinkMesh(
    "linkmesh",
    {
        domain: config.require("domain"),
        sshAllowedCidrs: config.requireObject<string[]>("sshAllowedCidrs"),
        acmeDirectory: config.get("acmeDirectory"),
        acmeCaBundle: config.get("acmeCaBundle"),
        linkmeshDebUrl: config.require("linkmeshDebUrl"),
        linkmeshDebSha256: config.require("linkmeshDebSha256"),
        tags: { team: "platform" },
    },
    { transforms: [transform] },
);

export const {
    publicUrl,
    opampUrl,
    grpcEndpoint,
    ipv4,
    ipv6,
    sshCommand,
    sshPrivateKey,
    sshHostKey,
    dnsRecords,
    checks,
} = linkmesh;
