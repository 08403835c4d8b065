import * as pulumi from "@pulumi/pulumi";
import { LinkMesh } from "linkmesh-proxy";

const config = new pulumi.Config();
export const { publicUrl } = new LinkMesh("linkmesh", {
    domain: config.require("domain"),
    sshAllowedCidrs: config.requireObject<string[]>("sshAllowedCidrs"),
    linkmeshDebUrl: config.require("linkmeshDebUrl"),
    linkmeshDebSha256: config.require("linkmeshDebSha256"),
});
