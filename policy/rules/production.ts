import type { ResourceValidationArgs, ResourceValidationPolicy } from "@pulumi/policy";
import type { ProtectedSettings } from "../../components/protection.ts";

const PRODUCTION = {
    properties: {
        /** As in the setting acmeDirectory: "production", or the URL of another authority's directory. */
        acmeDirectories: { type: "array", items: { type: "string" }, default: ["production"] },
    },
} as const;

/** The settings of a LinkMesh that counts as production; undefined for all else. */
function production(args: ResourceValidationArgs): ProtectedSettings | undefined {
    if (args.type !== "linkmesh-proxy:index:Protection") return undefined;
    const settings = args.props as ProtectedSettings;
    const { acmeDirectories } = args.getConfig<{ acmeDirectories: string[] }>();
    return settings.acmeDirectory !== undefined && acmeDirectories.includes(settings.acmeDirectory)
        ? settings
        : undefined;
}

export const productionProtected: ResourceValidationPolicy = {
    name: "production-protected",
    description: "A stack with production certificates cannot be destroyed by mistake.",
    enforcementLevel: "mandatory",
    configSchema: { properties: { ...PRODUCTION.properties } },
    validateResource: (args, report) => {
        const settings = production(args);
        if (!settings || args.opts.protect) return;
        report(`acmeDirectory is ${settings.acmeDirectory!}, and a destroy deletes the data: set protect to true.`);
    },
};

export const productionSnapshots: ResourceValidationPolicy = {
    name: "production-snapshots",
    description: "The data of a stack with production certificates has snapshots.",
    enforcementLevel: "mandatory",
    configSchema: { properties: { ...PRODUCTION.properties } },
    validateResource: (args, report) => {
        const settings = production(args);
        if (!settings || settings.dailySnapshots > 0 || settings.finalSnapshot) return;
        report(
            `acmeDirectory is ${settings.acmeDirectory!}, and the data has no snapshots: set dailySnapshots, for example to 7, or finalSnapshot to true.`,
        );
    },
};
