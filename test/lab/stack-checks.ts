import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { DnsRecord } from "../../lab/cloud/state.ts";
import { LAB_DOMAIN } from "../../lab/lab.ts";
import { workspaceOf } from "../../lab/engine/workspace.ts";
import { TestCa } from "../host/test-ca.ts";
import { changeCloud, cloud, onMachine, theLab } from "./lab.ts";
import { type Run, succeeded } from "./run.ts";

const CURRENT = "/etc/nginx/linkmesh/current";
const RELOAD = "nginx -t && systemctl reload nginx";
const RESTORE = `if [ -d /root/kept ]; then cp /root/kept/* ${CURRENT}/ && rm -r /root/kept && ${RELOAD}; fi`;

/**
 * `npm run check` on the stack itself, with plain pulumi, good and broken.
 * @param inLab runs commands in a shell that has evaluated what `lab env` prints
 */
export function stackChecks(inLab: (commands: string) => Promise<Run>): void {
    /** What `lab env` sets, so that check is a client of the lab. */
    const client = "$LINKMESH_LAB_CLIENT";
    afterEach(async () => {
        await onMachine(`${RESTORE}; systemctl start nginx linkmesh-server`);
    });

    const check = (options: string) => inLab(`npm run --silent check -- ${options} ${client}`);
    /** Waits until old workers of nginx have gone. */
    const becomes = (name: string, wanted: RegExp) =>
        expect
            .poll(async () => (await check(`--stack --no-ssh --only ${name}`)).stdout, { timeout: 180_000 })
            .toMatch(wanted);

    test("the stack's outputs are all that check needs, with the generated key for the machine", async () => {
        const text = succeeded(await check("--stack lab"));
        for (const name of ["addresses", "redirect", "https", "opamp", "grpc", "closed", "renewal", "served"]) {
            expect(text).toMatch(new RegExp(`^✓ ${name} `, "m"));
        }
        expect(text).not.toMatch(/^[!✗]/m);
    });

    test("the lines of the README log in to the machine, whose host key they make known", async () => {
        const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
        const [, lines] = /\*\*Log in to the machine\*\*[^]*?\n\n((?: {7}\S.*\n)+)/.exec(readme)!;
        const project = mkdtempSync(join(tmpdir(), "readme-"));
        try {
            cpSync(join(workspaceOf(theLab()).dir, "Pulumi.yaml"), join(project, "Pulumi.yaml"));
            // ssh looks for known hosts in the home directory of the user database, whatever HOME is.
            const options = [
                "BatchMode yes",
                "StrictHostKeyChecking yes",
                `UserKnownHostsFile ${project}/.ssh/known_hosts`,
            ];
            writeFileSync(join(project, "ssh_config"), options.join("\n"));
            const run = await inLab(`cd ${project} && export HOME=${project}
                ssh() { command ssh -F ${project}/ssh_config "$@"; }
                ${lines!.trim()} <<<'id -un'`);
            expect(succeeded(run).trim().split("\n").at(-1)).toBe("admin");
        } finally {
            rmSync(project, { recursive: true });
        }
    });

    test("a file of the outputs will do, and a table for a pull request comes of it", async () => {
        const run = await inLab(`file=$(mktemp)
            trap 'rm "$file"' EXIT
            pulumi stack output --json >"$file"
            npm run --silent check -- --from "$file" --markdown ${client}`);
        const text = succeeded(run);
        expect(text).toMatch(/^### ✅ check linkmesh\.example\.test: nothing failed, 1 warning\n/);
        expect(text).toMatch(
            /\| ⚠️ \| machine \| nothing was checked on the machine<br>→ the login key in .* is hidden/,
        );
    });

    test("nginx that is stopped, and LinkMesh that is stopped, are told by name", async () => {
        await onMachine("systemctl stop nginx");
        const stopped = await check("--stack --no-ssh --only https opamp");
        expect(stopped.stdout).toMatch(/✗ https .*nothing listens on .* port 443\n +nginx is stopped/);
        expect(stopped.exitCode).toBe(1);
        await onMachine("systemctl start nginx && systemctl stop linkmesh-server");
        const down = await check("--stack --no-ssh --only https opamp grpc");
        for (const name of ["https", "opamp"]) {
            expect(down.stdout).toMatch(
                new RegExp(`✗ ${name} .*503: the proxy answers, but LinkMesh behind it does not`),
            );
        }
        expect(down.stdout).toMatch(/✗ grpc .*LinkMesh's gRPC behind it does not answer/);
    });

    test("HTTP/2 that is switched on, and gRPC that is terminated, are told by name", async () => {
        await onMachine(`mkdir /root/kept && cp ${CURRENT}/http-linkmesh.conf ${CURRENT}/main-stream.conf /root/kept/
            sed -i 's/server_tokens off;/http2 on; &/' ${CURRENT}/http-linkmesh.conf
            tls=$(grep -hoE 'ssl_certificate(_key)? [^;]+;' /root/kept/http-linkmesh.conf | tr '\\n' ' ')
            sed -i "s|50051 .*;|50051 ssl;|; 0,/^ *listen/s|^ *listen|$tls listen|" ${CURRENT}/main-stream.conf
            ${RELOAD}`);
        await becomes("https", /^! https .*also offers HTTP\/2\n +http2 is on at this name/m);
        await becomes("grpc", /^✗ grpc .*TLS ends at the proxy: .*\n +nginx ends TLS on this port/m);
        await onMachine(RESTORE);
        await becomes("https grpc", /^✓ https [^]*^✓ grpc /m);
    });

    test("a certificate that has expired is told", async () => {
        const ca = await TestCa.create("CN=another authority");
        const { cert, key } = await ca.issue([LAB_DOMAIN], { from: -90, to: -1 });
        const directory = mkdtempSync(join(tmpdir(), "authority-"));
        try {
            writeFileSync(join(directory, "ca.pem"), ca.pem);
            await onMachine(`umask 077 && mkdir /root/kept && cp ${CURRENT}/http-linkmesh.conf /root/kept/
                printf %s '${cert}' >/root/expired.pem && printf %s '${key}' >/root/expired.key
                sed -i -E 's|(ssl_certificate) .*;|\\1 /root/expired.pem;|; s|(ssl_certificate_key) .*;|\\1 /root/expired.key;|' ${CURRENT}/http-linkmesh.conf
                ${RELOAD}`);
            const run = () =>
                inLab(
                    `npm run --silent check -- --stack --no-ssh --only certificate ${client} --ca ${directory}/ca.pem`,
                );
            await expect
                .poll(async () => (await run()).stdout, { timeout: 180_000 })
                .toMatch(/^✗ certificate .*has expired \(this one on \d{4}-.*\n +its renewal has failed; /m);
            expect((await run()).exitCode).toBe(1);
        } finally {
            rmSync(directory, { recursive: true });
            await onMachine(`${RESTORE}; rm -f /root/expired.*`);
        }
    });

    test("a wrong record is told with the command that lists the right ones", async () => {
        const isOurs = ({ name, type }: DnsRecord) => name === LAB_DOMAIN && type === "A";
        const right = Object.values(cloud().records).find(isOurs)!.values;
        const write = (values: string[]) =>
            changeCloud(({ records }) => void (Object.values(records).find(isOurs)!.values = values));
        await write(["192.0.2.9"]);
        try {
            const run = await check("--stack --no-ssh --only addresses");
            expect(run.stdout).toMatch(
                /✗ addresses .*DNS returns 192\.0\.2\.9, .* instead of .*\n +.*pulumi stack output dnsRecords/,
            );
            expect(run.exitCode).toBe(1);
        } finally {
            await write(right);
        }
    });
}
