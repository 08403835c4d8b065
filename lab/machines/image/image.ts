import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { exec } from "../../process/exec.ts";
import { withLock } from "../../process/lock.ts";
import { LabError, type Progress } from "../../lab.ts";
import { useOpenUmask } from "../../process/umask.ts";
import { inChroot } from "./chroot.ts";
import {
    aptSources,
    distributionOf,
    machineFiles,
    machinePackages,
    recipeText,
    SERVICES_PACKAGES,
    type Release,
} from "./recipe.ts";

const OWN_IMAGE_SCRIPT = fileURLToPath(new URL("../../../docs/machine-image.sh", import.meta.url));

/**
 * The root directory of a machine image, built on first use (about a minute) and kept in the cache.
 * Do not write to it: machines use it as the lower layer of an overlay.
 *
 * @returns its absolute path
 * @throws LabError if debootstrap or the mirror fails
 */
export function ensureImage(cacheDir: string, release: Release, progress: Progress): Promise<string> {
    const name = `${release}-${hash(recipeText(release))}`;
    const { title } = distributionOf(release);
    return ensureRoot(cacheDir, name, `the ${title} ${release} image`, progress, async (root, report) => {
        await debootstrap(release, root, report);
        await installPackages(root, release, machinePackages(release), report);
        for (const [path, text] of Object.entries(machineFiles(release))) await write(root, path, text);
        await generalize(root);
    });
}

/** What the stand-in of LinkMesh depends on. */
const STAND_IN_PACKAGES = "nodejs adduser util-linux";

/**
 * The root directory of an image of a user's own, made from the trixie image by the script that docs/machine-image.md gives
 * users. Here it runs in a chroot, not as user data.
 */
export async function ensureOwnImage(cacheDir: string, progress: Progress): Promise<string> {
    const base = await ensureImage(cacheDir, "trixie", progress);
    const script = await readFile(OWN_IMAGE_SCRIPT, "utf8");
    const name = `own-${hash(recipeText("trixie") + STAND_IN_PACKAGES + script)}`;
    return ensureRoot(cacheDir, name, "the image with packages", progress, async (root, report) => {
        await exec("cp", ["-a", "--reflink=auto", `${base}/.`, root]);
        report("packages");
        await inChroot(root, `MORE_PACKAGES='${STAND_IN_PACKAGES}'\n${script}`, () => undefined);
        await generalize(root);
    });
}

/** The root directory with the lab's services (Knot DNS, Pebble, apt-cacher-ng, HAProxy), made from the trixie image. */
export async function ensureServicesImage(cacheDir: string, progress: Progress): Promise<string> {
    const base = await ensureImage(cacheDir, "trixie", progress);
    const name = `services-${hash(recipeText("trixie") + SERVICES_PACKAGES.join())}`;
    return ensureRoot(cacheDir, name, "the services image", progress, async (root, report) => {
        await exec("cp", ["-a", "--reflink=auto", `${base}/.`, root]);
        await installPackages(root, "trixie", SERVICES_PACKAGES, report);
    });
}

type Build = (root: string, report: Progress) => Promise<void>;

/** @param build fills an empty directory */
export async function ensureRoot(
    cacheDir: string,
    name: string,
    what: string,
    progress: Progress,
    build: Build,
): Promise<string> {
    const images = join(cacheDir, "images");
    const final = join(images, name);
    if (await isUsable(final)) return final;
    useOpenUmask();
    await mkdir(images, { recursive: true });
    return withLock(
        final,
        async () => {
            if (await isUsable(final)) return final;
            // Only the holder of the lock builds, so this is the leftover of an interrupted build.
            for (const left of await readdir(images)) {
                if (left.startsWith(`.${name}.`)) await removeTree(join(images, left));
            }
            await removeTree(final);
            const root = join(images, `.${name}.${process.pid}`);
            await mkdir(root);
            let last = "";
            try {
                await build(root, (step) => {
                    if (step !== last) progress(`${what}: ${(last = step)}`);
                });
                await rename(root, final);
            } catch (error) {
                await removeTree(root);
                const reason = error instanceof Error ? error.message : String(error);
                throw new LabError(
                    `${what} could not be built: ${reason} (is its package mirror reachable, and the disk not full?)`,
                );
            }
            return final;
        },
        { patienceSeconds: 1800 },
    );
}

async function debootstrap(release: Release, root: string, report: Progress): Promise<void> {
    await write(root, "etc/dpkg/dpkg.cfg.d/lab-unsafe-io", "force-unsafe-io\n");
    report("base system");
    // Only the base: debootstrap does not resolve virtual packages, and python3-cryptography depends on two of them.
    // Its own mount namespace: debootstrap mounts /proc and /sys in the root, and a killed one leaves them mounted.
    const { mirror, debootstrap: own } = distributionOf(release);
    const command = ["debootstrap", "--variant=minbase", ...own.options, release, root, mirror, ...own.script];
    await exec("unshare", ["--mount", "--propagation", "private", "--", ...command], {
        onLine: (line) => {
            const step = /^I: (Retrieving|Extracting|Unpacking|Configuring) (.*?)(\.\.\.)?$/.exec(line);
            if (step) report(`${step[1]?.toLowerCase()} ${step[2]}`);
        },
    });
    await rm(join(root, "etc/apt/sources.list"), { force: true });
    const sources = aptSources(release);
    await write(root, sources.path, sources.text);
}

async function installPackages(root: string, release: Release, packages: string[], report: Progress): Promise<void> {
    report(`package lists of ${release}`);
    const script = [
        "apt-get -q update",
        "apt-get -q -y -o Acquire::Retries=3 upgrade",
        `apt-get -q -y -o Acquire::Retries=3 --no-install-recommends install ${packages.join(" ")}`,
        "apt-get clean",
        "rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin",
    ];
    await inChroot(root, script.join("\n"), (line) => {
        const step = /^(Get:\d+|Unpacking|Setting up) (.*)$/.exec(line);
        if (step?.[1]?.startsWith("Get")) report("fetching packages");
        else if (step) report(`${step[1]?.toLowerCase()} ${step[2]?.split(" ")[0]}`);
    });
}

/** Removes what must differ between machines made from the image. */
async function generalize(root: string): Promise<void> {
    const ssh = join(root, "etc/ssh");
    for (const name of await readdir(ssh)) if (name.startsWith("ssh_host_")) await rm(join(ssh, name));
    await truncate(join(root, "etc/machine-id"), 0).catch(() => write(root, "etc/machine-id", ""));
    for (const path of ["var/lib/dbus/machine-id", "etc/hostname", "etc/resolv.conf"]) {
        await rm(join(root, path), { force: true });
    }
}

async function write(root: string, path: string, text: string): Promise<void> {
    const file = join(root, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
}

/** Refuses to delete a root with a mount in it, because that would delete the mount's content. */
async function removeTree(dir: string): Promise<void> {
    const mounts = await readFile("/proc/self/mounts", "utf8");
    if (mounts.includes(` ${dir}/`)) throw new LabError(`something is mounted below ${dir}: unmount it and try again`);
    await rm(dir, { recursive: true, force: true });
}

/** Whether other users can read the root. If it was built with a strict umask, it is built again. */
async function isUsable(root: string): Promise<boolean> {
    return stat(root).then(
        ({ mode }) => (mode & 0o005) === 0o005,
        () => false,
    );
}

function hash(text: string): string {
    return createHash("sha256").update(text).digest("hex").slice(0, 10);
}
