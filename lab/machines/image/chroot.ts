import { chmod, copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exec } from "../../process/exec.ts";

/**
 * Runs a shell script as root inside a directory with a Debian system. /proc, /sys and /dev are mounted in a private
 * mount namespace, so that a killed build leaves no mounts. Packages do not start their services.
 */
export async function inChroot(root: string, script: string, onLine: (line: string) => void): Promise<void> {
    const mounts = [
        `mount -t proc proc ${root}/proc`,
        `mount -t sysfs -o ro sysfs ${root}/sys`,
        `mount -t tmpfs -o mode=755 tmpfs ${root}/dev`,
        ...["null", "zero", "full", "random", "urandom", "tty"].map(
            (name) => `touch ${root}/dev/${name} && mount --bind /dev/${name} ${root}/dev/${name}`,
        ),
        `mkdir ${root}/dev/pts ${root}/dev/shm`,
        `mount -t devpts -o newinstance,ptmxmode=0666 devpts ${root}/dev/pts`,
        `ln -s pts/ptmx ${root}/dev/ptmx`,
        `ln -s /proc/self/fd ${root}/dev/fd`,
    ];
    const policy = join(root, "usr/sbin/policy-rc.d");
    await mkdir(join(root, "usr/sbin"), { recursive: true });
    await writeFile(policy, "#!/bin/sh\nexit 101\n");
    await chmod(policy, 0o755);
    await rm(join(root, "etc/resolv.conf"), { force: true });
    await copyFile("/etc/resolv.conf", join(root, "etc/resolv.conf"));
    const outer = `set -e\n${mounts.join("\n")}\nexec chroot ${root} /bin/sh -e\n`;
    await exec("unshare", ["--mount", "--propagation", "private", "--", "sh", "-c", outer], {
        input: script,
        env: { DEBIAN_FRONTEND: "noninteractive" },
        onLine,
    });
    await rm(policy);
}
