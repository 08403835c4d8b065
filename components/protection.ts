import * as pulumi from "@pulumi/pulumi";
import { hasOwnCertificate, usesCertificateManager } from "./certificate.ts";
import type { Settings } from "./settings/settings.ts";

/** What policies know of a LinkMesh, as inputs of {@link Protection}: resources alone do not say it before they exist. */
export interface ProtectedSettings extends Pick<Settings, "domain"> {
    /** Absent with a certificate of your own, or of AWS Certificate Manager. */
    acmeDirectory?: string;
    /** Both are absent with several nodes, which have no data volume. */
    dailySnapshots?: number;
    finalSnapshot?: boolean;
}

export interface ProtectionArgs {
    settings: Settings;
    /** Everything that a destroy would delete. */
    resources: pulumi.Resource[];
}

/**
 * The first resource that a destroy deletes, so a protected one stops the destroy. Protecting only the volume and the
 * addresses is not enough: the engine would delete the machine and the records before it reaches them. The resource also
 * exists without protection, because the engine refuses to delete a protected one in the update that lifts the protection.
 */
export class Protection extends pulumi.ComponentResource {
    constructor(name: string, { settings, resources }: ProtectionArgs, opts?: pulumi.ComponentResourceOptions) {
        super("linkmesh-proxy:index:Protection", name, protectedSettings(settings), {
            ...opts,
            // Only `pulumi up` changes it.
            protect: settings.protect,
            dependsOn: resources,
        });
        this.registerOutputs({});
    }
}

function protectedSettings(settings: Settings): ProtectedSettings {
    const { domain, acmeDirectory, dailySnapshots, finalSnapshot, nodes } = settings;
    return {
        domain,
        ...(hasOwnCertificate(settings) || usesCertificateManager(settings) ? {} : { acmeDirectory }),
        ...(nodes > 1 ? {} : { dailySnapshots, finalSnapshot }),
    };
}
