import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { LabError } from "../lab.ts";

const HERE = dirname(fileURLToPath(import.meta.url));
const REPOSITORY = join(HERE, "../..");
const PROGRAM = "usr/lib/linkmesh-server/linkmesh-server.cjs";

/** Date of every file in the package, 2026-01-01, so that the same sources produce the same bytes. */
const SOURCE_DATE_EPOCH = "1767225600";

/** Packages that the driver looks for and works without. */
const OPTIONAL_OF_MONGODB = [
    "@aws-sdk/credential-providers",
    "@mongodb-js/zstd",
    "aws4",
    "gcp-metadata",
    "kerberos",
    "mongodb-client-encryption",
    "snappy",
    "socks",
];

export const DEFAULT_VERSION = "1.101.0~standin";

export interface BuiltPackage {
    /** Absolute path of linkmesh-server_VERSION_all.deb. */
    file: string;
    version: string;
    /** The file's SHA-256 in lower-case hex. */
    sha256: string;
}

/**
 * Builds the stand-in package `linkmesh-server` into a directory, which is made if missing. Does nothing if the file
 * exists and was built from the same sources. Accepts any Debian version, to try upgrades.
 *
 * @throws {LabError} if dpkg does not accept the version
 */
export async function buildPackage(options: { outDir: string; version?: string }): Promise<BuiltPackage> {
    const { outDir, version = DEFAULT_VERSION } = options;
    if (!/^\d[A-Za-z0-9.+~]*(-[A-Za-z0-9.+~]+)?$/.test(version))
        throw new LabError(`"${version}" is not a version of a Debian package: use one like ${DEFAULT_VERSION}`);
    const file = join(outDir, `linkmesh-server_${version}_all.deb`);
    const stampFile = join(outDir, `.linkmesh-server_${version}.json`);
    const inputs = await hashInputs();
    const stamp = await readJson(stampFile);
    const existing = await hashFile(file);
    if (existing && stamp?.inputs === inputs && stamp.sha256 === existing) return { file, version, sha256: existing };

    await mkdir(outDir, { recursive: true });
    // Beside the target, so that the final rename is atomic. Each build has its own directory.
    const work = await mkdtemp(join(outDir, ".build-"));
    try {
        const root = join(work, "root");
        await stage(root, version);
        const deb = join(work, "package.deb");
        await promisify(execFile)("dpkg-deb", ["--build", "--root-owner-group", "-Zgzip", "-z6", root, deb], {
            env: { ...process.env, SOURCE_DATE_EPOCH },
        });
        const sha256 = (await hashFile(deb))!;
        await rename(deb, file);
        await writeFile(join(work, "stamp"), JSON.stringify({ inputs, sha256 }));
        await rename(join(work, "stamp"), stampFile);
        return { file, version, sha256 };
    } finally {
        await rm(work, { recursive: true, force: true });
    }
}

/** Writes the package's files below `root`, with their modes on the machine. */
async function stage(root: string, version: string): Promise<void> {
    await cp(join(HERE, "package"), root, { recursive: true });
    await bundle(join(root, PROGRAM), version);
    await mkdir(join(root, "usr/bin"), { recursive: true });
    await symlink("../lib/linkmesh-server/linkmesh-server.cjs", join(root, "usr/bin/linkmesh-server"));

    let bytes = 0;
    const sums: string[] = [];
    for (const path of await filesBelow(root)) {
        const name = relative(root, path);
        const content = await readFile(path);
        const isScript = content.subarray(0, 2).toString() === "#!";
        await chmod(path, name === "etc/linkmesh/config.yaml" ? 0o640 : isScript ? 0o755 : 0o644);
        if (name.startsWith("DEBIAN/")) continue;
        bytes += content.length;
        // As debhelper does, for `dpkg --verify`. dpkg keeps the sums of conffiles itself.
        if (!name.startsWith("etc/")) sums.push(`${createHash("md5").update(content).digest("hex")}  ${name}\n`);
    }
    await writeFile(join(root, "DEBIAN/md5sums"), sums.join(""), { mode: 0o644 });
    const control = join(root, "DEBIAN/control");
    const text = (await readFile(control, "utf8")).replace("@VERSION@", version);
    await writeFile(control, text.replace("@INSTALLED_SIZE@", String(Math.ceil(bytes / 1024))));
    await promisify(execFile)("find", [root, "-type", "d", "-exec", "chmod", "0755", "{}", "+"]);
}

/** Bundles the server into one file for Node 18, Debian 12's version. */
async function bundle(outfile: string, version: string): Promise<void> {
    const { build } = await import("esbuild");
    await build({
        absWorkingDir: REPOSITORY,
        entryPoints: [join(HERE, "server/main.ts")],
        outfile,
        bundle: true,
        platform: "node",
        format: "cjs",
        target: "node18",
        banner: { js: "#!/usr/bin/node" },
        define: { LINKMESH_VERSION: JSON.stringify(version) },
        // Optional helpers of ws and mongodb.
        external: ["bufferutil", "utf-8-validate", ...OPTIONAL_OF_MONGODB],
        minifyWhitespace: true,
        legalComments: "none",
        logLevel: "silent",
    });
}

async function filesBelow(directory: string): Promise<string[]> {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    return entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .sort();
}

/** A hash of everything in the package: the sources, and the npm packages by the lock file. */
async function hashInputs(): Promise<string> {
    const hash = createHash("sha256");
    const sources = [...(await filesBelow(join(HERE, "server"))), ...(await filesBelow(join(HERE, "package")))];
    for (const path of [...sources, fileURLToPath(import.meta.url), join(REPOSITORY, "package-lock.json")]) {
        const content = await readFile(path);
        hash.update(`${relative(REPOSITORY, path)} ${content.length}\n`).update(content);
    }
    return hash.digest("hex");
}

async function hashFile(path: string): Promise<string | undefined> {
    const content = await readFile(path).catch(() => undefined);
    return content && createHash("sha256").update(content).digest("hex");
}

async function readJson(path: string): Promise<Record<string, unknown> | undefined> {
    try {
        return JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
    } catch {
        return undefined;
    }
}
