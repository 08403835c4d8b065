import type { Configuration } from "../engine/config.ts";
import { LAB_DOMAIN, LAB_REGION, type Lab } from "../lab.ts";
import { services } from "../services/services.ts";
import type { LabPackage } from "./package.ts";

/** The program's configuration in the lab: what a user would set on AWS, but for the lab's services. */
export function labConfiguration(lab: Lab, project: string, pkg: LabPackage): Configuration {
    const available = services(lab);
    const own: Configuration = {
        domain: LAB_DOMAIN,
        acmeEmail: "lab@example.test",
        acmeDirectory: available.acmeDirectory,
        acmeCaBundle: existingCa(() => available.acmeApiCaPem()),
        sshAllowedCidrs: [`${lab.net.outer}/32`, `${lab.net.outer6}/128`],
        linkmeshDebUrl: pkg.url,
        linkmeshDebSha256: pkg.sha256,
    };
    return {
        ...Object.fromEntries(Object.entries(own).map(([key, value]) => [`${project}:${key}`, value])),
        "aws:region": LAB_REGION,
    };
}

/** Reads a CA, which does not exist if a preview runs before the services' first start. */
function existingCa(read: () => string): string {
    try {
        return read();
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
        throw error;
    }
}
