import * as pulumi from "@pulumi/pulumi";
import { LinkMesh } from "../../components/index.ts";

/** A program of somebody else's, with its secrets where they belong. */
const config = new pulumi.Config();
const linkmesh = new LinkMesh("linkmesh", {
    domain: config.require("domain"),
    sshAllowedCidrs: config.requireObject("sshAllowedCidrs"),
    linkmeshDebUrl: config.getBoolean("hidesUrl")
        ? config.requireSecret("linkmeshDebUrl")
        : config.require("linkmeshDebUrl"),
    linkmeshDebSha256: config.require("linkmeshDebSha256"),
    // Which the compiler would refuse, if this were written out.
    ...Object.fromEntries(config.getBoolean("leaks") ? [["tags", { token: config.requireSecret("token") }]] : []),
    ...(config.getBoolean("withToken") ? { linkmeshEnvironment: { TOKEN: config.requireSecret("token") } } : {}),
});

new pulumi.ComponentResource("test:index:After", "after", {}, { dependsOn: linkmesh });

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
