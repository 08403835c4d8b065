import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const SCRIPT = join(import.meta.dirname, "../../components/host/scripts/machine/serve-certificate.sh");

const directory = mkdtempSync(join(tmpdir(), "serve-certificate-"));
afterAll(() => rmSync(directory, { recursive: true }));
const READ_AGAIN = `cp ${directory}/fullchain.pem ${directory}/served`;

interface Machine {
    served: string;
    config?: string;
    reload?: string;
    /** Whether nginx runs. */
    runs?: boolean;
}

/** Runs it on a machine of stubs: nginx shows what the file `served` holds, and a reload has it read the disk again. */
function serve({ served, config = "true", reload = READ_AGAIN, runs = true }: Machine) {
    const stubs = {
        // `x509 -in FILE` reads a certificate, `x509` alone what `s_client` was shown.
        openssl: `case "$1 $2" in "x509 -in") cat "$3" ;; x509*) cat ;; s_client*) cat ${directory}/served ;; esac`,
        nginx: config,
        systemctl: `[ "$1" != is-active ] || exit ${runs ? 0 : 3}; echo "$*" >>${directory}/calls; ${reload}`,
        sleep: "true",
    };
    mkdirSync(join(directory, "bin"), { recursive: true });
    for (const [name, script] of Object.entries(stubs)) {
        writeFileSync(join(directory, "bin", name), `#!/bin/sh\n${script}\n`);
        chmodSync(join(directory, "bin", name), 0o755);
    }
    writeFileSync(join(directory, "fullchain.pem"), "new\n");
    writeFileSync(join(directory, "served"), served);
    rmSync(join(directory, "calls"), { force: true });
    const env = {
        PATH: `${directory}/bin:${process.env.PATH}`,
        DOMAIN: "linkmesh.example.com",
        CERTIFICATE: directory,
    };
    const { status, stdout, stderr } = spawnSync("bash", [SCRIPT], { env, encoding: "utf8" });
    const calls = existsSync(join(directory, "calls")) ? readFileSync(join(directory, "calls"), "utf8") : "";
    return { status, output: stdout + stderr, reloads: calls.split("\n").filter((line) => line !== "") };
}

const RELOAD = ["reload nginx"];

test("nothing happens while nginx serves the certificate on the disk", () =>
    expect(serve({ served: "new\n" })).toEqual({ status: 0, output: "", reloads: [] }));

test("nginx that serves an old certificate is reloaded once, and then asked again", () =>
    expect(serve({ served: "old\n" })).toMatchObject({ status: 0, reloads: RELOAD }));

test("nginx that does not run is left alone: it reads the certificate when it starts", () =>
    expect(serve({ served: "", runs: false })).toEqual({ status: 0, output: "", reloads: [] }));

test("nginx that refuses its configuration is not reloaded, and the error says why", () => {
    const config = "echo 'nginx: [emerg] unknown directive \"x\" in /etc/nginx/sites-enabled/other:1' >&2; exit 1";
    const { status, output, reloads } = serve({ served: "old\n", config });
    expect({ status, reloads }).toEqual({ status: 1, reloads: [] });
    expect(output).toMatch(/^error: nginx does not serve .* refuses its configuration: .*sites-enabled\/other:1\n$/);
});

test.each([
    ["a reload that fails", "exit 1", /cannot be reloaded/],
    [
        "a reload that changes nothing",
        "true",
        /serves another certificate for linkmesh\.example\.com than .* after a reload as well/,
    ],
])("%s is a failure", (_, reload, sentence) => {
    const { status, output, reloads } = serve({ served: "old\n", reload });
    expect({ status, reloads }).toEqual({ status: 1, reloads: RELOAD });
    expect(output).toMatch(sentence);
});
