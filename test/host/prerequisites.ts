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
    { name: "openssl", why: "makes certificates for the tests", file: "/usr/bin/openssl" },
    { name: "jq", why: "the workflows run it", file: "/usr/bin/jq" },
    { name: "shfmt", why: "parses the scripts of the steps", file: "/usr/bin/shfmt" },
    { name: "strace", why: "shows what the steps write, and in which order", file: "/usr/bin/strace" },
];

/** Runs once before these tests; no service is started by it. */
export default async function setup(): Promise<void> {
    const missing = PACKAGES.filter(({ file }) => !existsSync(file));
    if (missing.length === 0) return;
    requireMachine();
    console.log(`installing with apt-get: ${missing.map(({ name, why }) => `${name} (${why})`).join(", ")}`);
    await aptInstall(missing, () => undefined);
}
