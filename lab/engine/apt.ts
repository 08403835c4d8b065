import { execa } from "execa";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { LabError, type Progress } from "../lab.ts";

/** A Debian package for the outer machine, and why the lab needs it. */
export interface Wanted {
    name: string;
    why: string;
}

/** Installs packages without questions and without starting their services. */
export async function aptInstall(packages: Wanted[], progress: Progress): Promise<void> {
    const names = packages.map(({ name }) => name);
    for (const { name, why } of packages) progress(`installing ${name} (${why})`);
    const install = () => apt(["install", "--yes", "--no-install-recommends", ...names], progress);
    const allowServices = forbidServices();
    try {
        // The package lists may be absent (a new container) or old. Fetch them only if the first try fails.
        let failure = await install();
        if (failure) {
            progress("fetching the package lists");
            failure = (await apt(["update"], progress)) ?? (await install());
        }
        if (failure) {
            throw new LabError(
                `apt-get could not install ${names.join(", ")}: ${failure}; fix that, then run this again`,
            );
        }
    } finally {
        allowServices();
    }
}

/** Runs apt-get. Returns its first error as a phrase, or undefined. */
async function apt(args: string[], progress: Progress): Promise<string | undefined> {
    const child = execa("apt-get", ["-o", "DPkg::Lock::Timeout=120", ...args], {
        env: { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" },
        stdin: "ignore",
        all: true,
        reject: false,
    });
    let first: string | undefined;
    for await (const line of child.iterable({ from: "all" })) {
        const error = /^(?:E|Err): ?(.+)/.exec(line)?.[1];
        first ??= error?.replace(/\.$/, "");
        if (/^(Get:|Unpacking|Setting up)/.test(line)) progress(line.replace(/ \.\.\.$/, "").slice(0, 70));
    }
    return (await child).failed ? (first ?? "no message") : undefined;
}

const POLICY = "/usr/sbin/policy-rc.d";
const POLICY_TEXT = "#!/bin/sh\n# Placed by the LinkMesh lab while it installs packages.\nexit 101\n";

/** Uses Debian's policy-rc.d so that no service starts on installation. Keeps a policy of the machine's owner. */
function forbidServices(): () => void {
    const leftBehind = existsSync(POLICY) && readFileSync(POLICY, "utf8") === POLICY_TEXT;
    if (existsSync(POLICY) && !leftBehind) return () => undefined;
    writeFileSync(POLICY, POLICY_TEXT, { mode: 0o755 });
    const remove = () => {
        process.off("exit", remove);
        rmSync(POLICY, { force: true });
    };
    process.on("exit", remove);
    return remove;
}
