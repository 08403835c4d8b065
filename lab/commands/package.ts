import { createHash } from "node:crypto";
import {
    closeSync,
    copyFileSync,
    existsSync,
    mkdirSync,
    openSync,
    readFileSync,
    readSync,
    renameSync,
    rmSync,
    statSync,
    writeFileSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import { readKept } from "../kept-file.ts";
import { type Lab, LabError } from "../lab.ts";
import { buildPackage } from "../linkmesh/build.ts";
import { services } from "../services/services.ts";

/** The LinkMesh package that the lab's machine installs. */
export interface LabPackage {
    /** The URL from which the machine fetches it. */
    url: string;
    /** Lower-case hexadecimal. */
    sha256: string;
    /** "stand-in", or the file that the user gave. */
    origin: string;
}

/** The value of `--package` that returns to the stand-in. */
export const STAND_IN = "stand-in";

/** Refuses a file that is not a Debian package, before anything else runs. Accepts `stand-in`. */
export function checkPackageFile(file: string): void {
    if (file === STAND_IN) return;
    if (!statSync(file, { throwIfNoEntry: false })?.isFile())
        throw new LabError(`--package ${file} is no file: give the path of a .deb file`);
    const head = Buffer.alloc(8);
    const descriptor = openSync(file, "r");
    readSync(descriptor, head, 0, 8, 0);
    closeSync(descriptor);
    if (head.toString("latin1") !== "!<arch>\n")
        throw new LabError(`--package ${file} is no Debian package: give the path of a .deb file`);
}

/**
 * Puts the package where the lab's machines can fetch it: `file` if given, else the file of an earlier `up`, else the
 * stand-in, built from this checkout.
 */
export async function publishPackage(lab: Lab, file: string | undefined): Promise<LabPackage> {
    const record = join(lab.dir, "package.json");
    if (file === undefined) {
        const last = publishedPackage(lab);
        if (last && last.origin !== STAND_IN) return last;
    }
    const { packagesDir } = services(lab);
    mkdirSync(packagesDir, { recursive: true });
    const pkg =
        file === undefined || file === STAND_IN
            ? await buildStandIn(lab, packagesDir)
            : copyPackage(lab, packagesDir, file);
    writeFileSync(record, JSON.stringify(pkg, null, 2));
    return pkg;
}

/** The package of the last `up`. Undefined if there was none or its file is gone. */
export function publishedPackage(lab: Lab): LabPackage | undefined {
    const pkg = readKept<LabPackage>(join(lab.dir, "package.json"));
    return pkg && existsSync(join(services(lab).packagesDir, basename(new URL(pkg.url).pathname))) ? pkg : undefined;
}

async function buildStandIn(lab: Lab, packagesDir: string): Promise<LabPackage> {
    const { file, sha256 } = await buildPackage({ outDir: packagesDir });
    return { url: urlOf(lab, basename(file)), sha256, origin: STAND_IN };
}

function copyPackage(lab: Lab, packagesDir: string, file: string): LabPackage {
    const sha256 = createHash("sha256").update(readFileSync(file)).digest("hex");
    const name = basename(file).replace(/[^\w.+~-]/g, "_");
    const draft = join(packagesDir, `.${name}.${process.pid}`);
    try {
        copyFileSync(file, draft);
        renameSync(draft, join(packagesDir, name));
    } finally {
        rmSync(draft, { force: true });
    }
    return { url: urlOf(lab, name), sha256, origin: resolve(file) };
}

function urlOf(lab: Lab, name: string): string {
    return `http://${lab.net.packages}/${encodeURIComponent(name)}`;
}
