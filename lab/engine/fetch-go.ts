import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { unzipSync } from "fflate";
import { LabError, type Progress } from "../lab.ts";
import { download } from "./download.ts";
import { GO_TOOLCHAIN, GO_VERSION } from "./versions.ts";

const DEFAULT_PROXY = "https://proxy.golang.org";
/** Go marks nothing in a module as executable; its own command does so for these after a download. */
const EXECUTABLE = /^(bin|pkg\/tool)\//;

/**
 * Go as a Go module proxy serves it to an older Go, for a machine that has none. The module is the same on every proxy,
 * and its sum is known, so that any of them will do.
 *
 * @param proxies what GOPROXY says
 * @returns the path of the `go` command
 * @throws LabError when no proxy has it
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
            if (hash1(files) !== sum) throw new Error(`what ${url.host} gives has another checksum`);
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

/** The sum of a module's files as go.sum and the checksum database write it. */
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
