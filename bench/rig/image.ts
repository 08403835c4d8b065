import { createHash } from "node:crypto";
import { machinePackages } from "../../components/host/packages.ts";
import { ensureImage, ensureRoot } from "../../lab/machines/image/image.ts";
import { inChroot } from "../../lab/machines/image/chroot.ts";
import { recipeText } from "../../lab/machines/image/recipe.ts";
import { type Progress, labCacheDir } from "../../lab/lab.ts";
import { exec } from "../../lab/process/exec.ts";

/** Those of this program's steps, and of the rivals. */
const PACKAGES = [...machinePackages({ tlsCertificate: "" }, undefined), "haproxy"];

/** The lab's Debian 13 machine with the packages of all subjects, none of which is started. Returns its root. */
export async function ensureRigImage(progress: Progress): Promise<string> {
    const base = await ensureImage(labCacheDir(), "trixie", progress);
    const script = [
        "apt-get -q update",
        `apt-get -q -y -o Acquire::Retries=3 --no-install-recommends install ${PACKAGES.join(" ")}`,
        "systemctl disable nginx haproxy certbot.timer",
        "touch /etc/cloud/cloud-init.disabled",
        "apt-get clean",
    ].join("\n");
    const hash = createHash("sha256")
        .update(recipeText("trixie") + script)
        .digest("hex");
    return ensureRoot(labCacheDir(), `bench-${hash.slice(0, 10)}`, "the benchmark's image", progress, async (root) => {
        await exec("cp", ["-a", "--reflink=auto", `${base}/.`, root]);
        progress("installing nginx and HAProxy");
        await inChroot(root, script, () => undefined);
    });
}
