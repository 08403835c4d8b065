import { mkdirSync } from "node:fs";
import { ensureNetwork } from "../network/router.ts";
import { withLock } from "../process/lock.ts";
import { stopProcess } from "../process/process.ts";
import { ensureServicesImage } from "../machines/image/image.ts";
import type { Lab, Progress } from "../lab.ts";
import { useOpenUmask } from "../process/umask.ts";
import { acmeFront } from "./acme-front.ts";
import { PUBLIC_AUTHORITY, authorityFile, authorityPem } from "./authority.ts";
import { aws } from "./aws.ts";
import { certificateManagerRoot } from "./certificate-manager.ts";
import { aptCache, packages, packagesDir, packagesUrl } from "./downloads.ts";
import { initZone, knot } from "./knot.ts";
import {
    ACME_SERVERS,
    CORPORATE_ACME,
    EAB_HMAC_KEY,
    EAB_KEY_ID,
    PUBLIC_ACME,
    acmeDirectory,
    keepIssuingRoot,
    keepPublicRoot,
    pebble,
    publicCaFile,
} from "./pebble.ts";
import { servicePidFile, startService } from "./service.ts";
import { STORAGE_SERVICES, startStorage } from "../storage/storage.ts";

export const SERVICE_NAMES = ["knot", "pebble", "pebble-corporate", "acme-front", "aws", "packages", "apt-cache"];

export interface CorporateAcme {
    directory: string;
    /** PEM file with the CA of the server's HTTPS certificate. */
    caFile: string;
    eabKeyId: string;
    eabHmacKey: string;
}

/** The services of the lab's "internet" and their addresses. */
export interface LabServices {
    /** URL of the ACME server's directory by its own name. Let's Encrypt's two names lead to the same server. */
    acmeDirectory: string;
    /** The CA of the ACME server's HTTPS certificate, PEM. Needs services that have been started once. */
    acmeApiCaPem(): string;
    /** The other ACME server, with external account binding. Its keys are the same in every lab and not secret. */
    corporateAcme: CorporateAcme;
    /** PEM file with the roots of all certificates from the ACME servers. */
    publicCaFile: string;
    /** Files here are served below {@link packagesUrl}. */
    packagesDir: string;
    /** "http://ADDRESS", without a final slash. */
    packagesUrl: string;
    /** Address of the zone's name server. */
    resolver: string;
}

export function services(lab: Lab): LabServices {
    return {
        acmeDirectory: acmeDirectory(PUBLIC_ACME),
        acmeApiCaPem: () => authorityPem(lab, PUBLIC_AUTHORITY),
        corporateAcme: {
            directory: acmeDirectory(CORPORATE_ACME),
            caFile: authorityFile(lab, CORPORATE_ACME.authority),
            eabKeyId: EAB_KEY_ID,
            eabHmacKey: EAB_HMAC_KEY,
        },
        publicCaFile: publicCaFile(lab),
        packagesDir: packagesDir(lab),
        packagesUrl: packagesUrl(lab),
        resolver: lab.net.dns,
    };
}

/** Starts DNS, ACME servers, AWS, package server and apt cache if they do not run, and waits until they answer. */
export async function startServices(lab: Lab, progress: Progress): Promise<void> {
    useOpenUmask();
    const image = await ensureServicesImage(lab.cacheDir, progress);
    progress("network");
    mkdirSync(lab.dir, { recursive: true });
    await ensureNetwork(lab);
    progress("DNS, ACME servers, AWS, package server, apt cache");
    await withLock(`${lab.dir} services`, async () => {
        initZone(lab);
        const acme = await Promise.all(ACME_SERVERS.map((server) => pebble(lab, server)));
        const all = [knot(lab), ...acme, await acmeFront(lab), await aws(lab), packages(lab), aptCache(lab)];
        await Promise.all(all.map((service) => startService(lab, image, service)));
        // One after the other, because all of them write to the same file.
        for (const server of ACME_SERVERS) await keepIssuingRoot(lab, server);
        keepPublicRoot(lab, await certificateManagerRoot(lab));
        await startStorage(lab, image, progress);
    });
}

/** Stops the services. Their data stays. */
export async function stopServices(lab: Lab): Promise<void> {
    await withLock(`${lab.dir} services`, async () => {
        await Promise.all(
            [...SERVICE_NAMES, ...STORAGE_SERVICES].map((name) => stopProcess(servicePidFile(lab, name))),
        );
    });
}
