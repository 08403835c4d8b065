import { existsSync } from "node:fs";
import { aptInstall } from "../../lab/engine/apt.ts";
import { requireMachine } from "../../lab/engine/prerequisites.ts";

/** Debian packages that the tests of hosts and scripts run, the file by which each is recognised, and why it is needed. */
const PACKAGES = [
    { name: "nginx", why: "the tests run the rendered configuration in it", file: "/usr/sbin/nginx" },
    {
        name: "libnginx-mod-stream",
        why: "its gRPC listener needs it",
        file: "/usr/lib/nginx/modules/ngx_stream_module.so",
    },
    { name: "shellcheck", why: "reads the scripts of the steps", file: "/usr/bin/shellcheck" },
    {
        name: "python3-ruamel.yaml",
        why: "merges LinkMesh's config.yaml",
        file: "/usr/lib/python3/dist-packages/ruamel/yaml/main.py",
    },
    {
        name: "debian-archive-keyring",
        why: "verifies testssl, which is fetched from Debian 13",
        file: "/usr/share/keyrings/debian-archive-keyring.gpg",
    },
    { name: "bsdextrautils", why: "testssl runs its hexdump", file: "/usr/bin/hexdump" },
    { name: "procps", why: "testssl runs its ps", file: "/usr/bin/ps" },
    { name: "openssl", why: "makes certificates for the tests", file: "/usr/bin/openssl" },
    { name: "jq", why: "the workflows run it", file: "/usr/bin/jq" },
    { name: "shfmt", why: "parses the scripts of the steps", file: "/usr/bin/shfmt" },
    { name: "strace", why: "shows what the steps write, and in which order", file: "/usr/bin/strace" },
];

/** Runs once before these tests; no service is started by it. */
export default function setup(): Promise<void> {
    return installMissing(PACKAGES);
}

export async function installMissing(packages: { name: string; why: string; file: string }[]): Promise<void> {
    const missing = packages.filter(({ file }) => !existsSync(file));
    if (missing.length === 0) return;
    requireMachine();
    console.log(`installing with apt-get: ${missing.map(({ name, why }) => `${name} (${why})`).join(", ")}`);
    await aptInstall(missing, () => undefined);
}
