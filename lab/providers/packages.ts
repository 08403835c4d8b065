import { CloudStore, type CloudRealizer } from "../cloud/store.ts";
import type { Lab } from "../lab.ts";
import { AwsProvider } from "./aws/provider.ts";
import { Caller } from "./aws/rights/caller.ts";
import { DOCUMENTS } from "./aws/rights/deployer.ts";
import { CommandProvider } from "./command/provider.ts";
import type { ResourceProvider } from "./provider.ts";
import { TlsProvider } from "./tls/provider.ts";

/** The Pulumi packages that the lab has stand-ins for. */
export const PACKAGES = ["aws", "command", "tls"] as const;
export type Package = (typeof PACKAGES)[number];

export function makeProvider(name: Package, lab: Lab, realizer: CloudRealizer): ResourceProvider {
    switch (name) {
        case "aws":
            return new AwsProvider(new CloudStore(lab, realizer), deployer());
        case "command":
            return new CommandProvider();
        case "tls":
            return new TlsProvider();
    }
}

/** Who runs the program has the rights of docs/iam and no others; another program needs rights of its own. */
function deployer(): Caller | undefined {
    return process.env.LINKMESH_LAB_PROGRAM === undefined ? new Caller(Object.values(DOCUMENTS)) : undefined;
}
