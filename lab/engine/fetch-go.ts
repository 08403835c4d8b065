import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { unzipSync } from "fflate";
import { LabError, type Progress } from "../lab.ts";
import { download } from "./download.ts";
import { GO_TOOLCHAIN, GO_VERSION } from "./versions.ts";

const DEFAULT_PROXY = "https://proxy.golang.org";
/** Files to make executable. A module has no file modes, so the `go` command also does this after a download. */
const EXECUTABLE = /^(bin|pkg\/tool)\//;

/**
 * Fetches Go as a module from a Go module proxy, for a machine without Go. Every proxy has the same module, and its sum
 * is known, so any proxy can be used.
 *
 * @param proxies the value of GOPROXY
 * @returns the path of the `go` command
 * @throws LabError if no proxy has it
 */
export async function fetchToolchain(
    directory: string,
    progress: Progress,
    proxies = process.env.GOPROXY || DEFAULT_PROXY,
    { module, version, sum } = GO_TOOLCHAIN,
): Promise<string> {
    const reasons: string[] = [];
    for (const proxy of proxies.split(/[,|]/).filter((part) => /^https?:/.test(part))) {
        const url = new URL(`${proxy.replace(/\/+$/, "")}/${module}/@v/${version}.zip`);
        try {
            const files = unzipSync(await download(url, `Go ${GO_VERSION}`, progress));
            if (hash1(files) !== sum) throw new Error(`the module from ${url.host} has another checksum`);
            progress(`unpacking Go ${GO_VERSION}`);
            unpack(files, `${module}@${version}/`, directory);
            return join(directory, "bin", "go");
        } catch (error) {
            reasons.push((error as Error).message);
        }
    }
    throw new LabError(
        `the lab needs the Pulumi CLI, and finds no pulumi, no Go ${GO_VERSION} to build one, and none to fetch ` +
            `(${reasons.join("; ") || "GOPROXY names no proxy"}): install pulumi ` +
            `(https://www.pulumi.com/docs/install/) or Go (https://go.dev/dl/), then run this again`,
    );
}

/** The sum of a module's files, in the form of go.sum and the checksum database. */
function hash1(files: Record<string, Uint8Array>): string {
    const hash = (data: Uint8Array | string) => createHash("sha256").update(data);
    const lines = Object.keys(files)
        .sort()
        .map((name) => `${hash(files[name]!).digest("hex")}  ${name}\n`);
    return `h1:${hash(lines.join("")).digest("base64")}`;
}

function unpack(files: Record<string, Uint8Array>, prefix: string, directory: string): void {
    for (const [name, content] of Object.entries(files)) {
        const path = name.slice(prefix.length);
        mkdirSync(dirname(join(directory, path)), { recursive: true });
        writeFileSync(join(directory, path), content, { mode: EXECUTABLE.test(path) ? 0o755 : 0o644 });
    }
}
