import { CloudStore, type CloudReconciler } from "../cloud/store.ts";
import type { Lab } from "../lab.ts";
import { AwsProvider } from "./aws/provider.ts";
import type { Caller } from "./aws/rights/caller.ts";
import { CommandProvider } from "./command/provider.ts";
import type { ResourceProvider } from "./provider.ts";
import { TlsProvider } from "./tls/provider.ts";

/** The Pulumi packages that the lab has stand-ins for. */
export const PACKAGES = ["aws", "command", "tls"] as const;
export type Package = (typeof PACKAGES)[number];

/** @param caller whose rights on AWS apply; without it everything is allowed. */
export function makeProvider(name: Package, lab: Lab, reconciler: CloudReconciler, caller?: Caller): ResourceProvider {
    switch (name) {
        case "aws":
            return new AwsProvider(new CloudStore(lab, reconciler), caller);
        case "command":
            return new CommandProvider();
        case "tls":
            return new TlsProvider();
    }
}
