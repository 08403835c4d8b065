import { accessSync, constants, existsSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { LabError, type Progress } from "../lab.ts";
import type { Wanted } from "./apt.ts";

/** What the lab needs on the outer machine: a command or file, and the Debian package that has it. */
const NEEDED: (Wanted & { needed: string })[] = [
    { needed: "debootstrap", name: "debootstrap", why: "makes the machine images" },
    { needed: "systemd-nspawn", name: "systemd-container", why: "runs the machines" },
    { needed: "ip", name: "iproute2", why: "makes their network" },
    { needed: "nft", name: "nftables", why: "is the cloud's firewall and address translation" },
    { needed: "/etc/protocols", name: "netbase", why: "names protocols for nft" },
    { needed: "sysctl", name: "procps", why: "switches forwarding on" },
    { needed: "mkfs.ext4", name: "e2fsprogs", why: "formats volumes" },
    { needed: "losetup", name: "mount", why: "attaches volumes" },
    { needed: "unshare", name: "util-linux", why: "starts services in their own namespaces" },
    { needed: "ssh", name: "openssh-client", why: "opens a shell on the machine" },
    { needed: "dpkg-deb", name: "dpkg", why: "builds and reads packages" },
];

const SYSTEM_PATH = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** Adds the directories of system commands to PATH. A root shell from `su` without `-` lacks them. */
export function completePath(): void {
    const present = (process.env.PATH ?? "").split(":").filter(Boolean);
    process.env.PATH = [...present, ...SYSTEM_PATH.filter((dir) => !present.includes(dir))].join(":");
}

export function isRoot(): boolean {
    return process.getuid?.() === 0;
}

/** Refuses a machine on which the lab cannot run, in one sentence. */
export function requireMachine(): void {
    if (process.platform !== "linux") {
        throw new LabError(
            `the lab runs on Linux, this is ${process.platform}: use a Linux machine or virtual machine`,
        );
    }
    if (!isRoot()) {
        throw new LabError("the lab needs root to make machines and networks: run the same command with sudo");
    }
}

/**
 * Installs missing Debian packages that the lab needs.
 * Calls `announce` with one line before it installs anything. Returns the names of the installed packages.
 */
export async function ensurePrerequisites(announce: (line: string) => void, progress: Progress): Promise<string[]> {
    requireMachine();
    completePath();
    const missing = NEEDED.filter(({ needed }) => !isPresent(needed));
    if (missing.length === 0) return [];
    const names = missing.map(({ name }) => name);
    if (!onPath("apt-get") || !existsSync("/etc/debian_version")) {
        const things = missing.map(({ needed }) => needed).join(", ");
        throw new LabError(
            `the lab installs what it needs on Debian and Ubuntu only: install ${things} yourself, then run this again`,
        );
    }
    announce(`installing with apt-get: ${missing.map(({ name, why }) => `${name} (${why})`).join(", ")}`);
    // Loaded only here, because its imports take a quarter of a second to load.
    const { aptInstall } = await import("./apt.ts");
    await aptInstall(missing, progress);
    const still = NEEDED.filter(({ needed }) => !isPresent(needed));
    if (still.length > 0) {
        throw new LabError(
            `apt-get installed ${names.join(", ")}, but ${still[0]!.needed} is still missing: look into ${still[0]!.name}`,
        );
    }
    return names;
}

function isPresent(needed: string): boolean {
    return isAbsolute(needed) ? existsSync(needed) : onPath(needed);
}

function onPath(command: string): boolean {
    return (process.env.PATH ?? "").split(":").some((dir) => {
        try {
            accessSync(join(dir, command), constants.X_OK);
            return true;
        } catch {
            return false;
        }
    });
}
