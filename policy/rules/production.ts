import type { ResourceValidationArgs, ResourceValidationPolicy } from "@pulumi/policy";
import type { ProtectedSettings } from "../../components/protection.ts";

const PRODUCTION = {
    properties: {
        /** As in the setting acmeDirectory: "production", or the URL of another authority's directory. */
        acmeDirectories: { type: "array", items: { type: "string" }, default: ["production"] },
        /** As in the setting domain. A stack with several nodes or a certificate of its own has no acmeDirectory. */
        domains: { type: "array", items: { type: "string" }, default: [] },
    },
} as const;

interface Production {
    readonly settings: ProtectedSettings;
    /** Why it counts as production. */
    readonly because: string;
}

/** A LinkMesh that counts as production; undefined for all else. */
function production(args: ResourceValidationArgs): Production | undefined {
    if (args.type !== "linkmesh-proxy:index:Protection") return undefined;
    const settings = args.props as ProtectedSettings;
    const { domain, acmeDirectory = "" } = settings;
    const { acmeDirectories, domains } = args.getConfig<{ acmeDirectories: string[]; domains: string[] }>();
    if (acmeDirectories.includes(acmeDirectory)) return { settings, because: `acmeDirectory is ${acmeDirectory}` };
    return domains.includes(domain) ? { settings, because: `${domain} is a domain of production` } : undefined;
}

export const productionProtected: ResourceValidationPolicy = {
    name: "production-protected",
    description: "A stack of production cannot be destroyed by mistake.",
    enforcementLevel: "mandatory",
    configSchema: { properties: { ...PRODUCTION.properties } },
    validateResource: (args, report) => {
        const found = production(args);
        if (!found || args.opts.protect) return;
        const lost = hasData(found) ? "the data" : "the load balancer and its addresses";
        report(`${found.because}, and a destroy deletes ${lost}: set protect to true.`);
    },
};

export const productionSnapshots: ResourceValidationPolicy = {
    name: "production-snapshots",
    description: "The data of a stack of production has snapshots.",
    enforcementLevel: "mandatory",
    configSchema: { properties: { ...PRODUCTION.properties } },
    validateResource: (args, report) => {
        const found = production(args);
        if (!found || !hasData(found)) return;
        const { dailySnapshots = 0, finalSnapshot = false } = found.settings;
        if (dailySnapshots > 0 || finalSnapshot) return;
        report(
            `${found.because}, and the data has no snapshots: set dailySnapshots, for example to 7, or finalSnapshot to true.`,
        );
    },
};

/** Several nodes keep nothing. */
const hasData = ({ settings }: Production) => settings.dailySnapshots !== undefined;
