import { afterEach, beforeAll, expect, test } from "vitest";
import type { DnsRecord } from "../../lab/cloud/state.ts";
import { LAB_DOMAIN } from "../../lab/lab.ts";
import { changeCloud, cloud, onMachine, status, theLab, type Run } from "./lab.ts";
import { succeeded } from "./plain-pulumi.ts";

const CURRENT = "/etc/nginx/linkmesh/current";
const RELOAD = "nginx -t && systemctl reload nginx";
const RESTORE = `if [ -d /root/kept ]; then cp /root/kept/* ${CURRENT}/ && rm -r /root/kept && ${RELOAD}; fi`;

/**
 * `npm run check` on the stack itself, with plain pulumi, good and broken.
 * @param inLab runs commands in a shell that has evaluated what `lab env` prints
 */
export function stackChecks(inLab: (commands: string) => Promise<Run>): void {
    let client: string;
    beforeAll(async () => {
        client = `--ca ${(await status()).caFile} --dns ${theLab().net.dns}`;
    });
    afterEach(async () => {
        await onMachine(`${RESTORE}; systemctl start nginx linkmesh-server`);
    });

    const check = (options: string) => inLab(`npm run --silent check -- ${options} ${client}`);
    /** Waits until old workers of nginx have gone. */
    const becomes = (name: string, wanted: RegExp) =>
        expect
            .poll(async () => (await check(`--stack --no-ssh --only ${name}`)).stdout, { timeout: 60_000 })
            .toMatch(wanted);

    test("the stack's outputs are all that check needs, with the generated key for the machine", async () => {
        const text = succeeded(await check("--stack lab"));
        for (const name of ["addresses", "redirect", "https", "opamp", "grpc", "closed", "renewal", "served"]) {
            expect(text).toMatch(new RegExp(`^✓ ${name} `, "m"));
        }
        expect(text).not.toMatch(/^[!✗]/m);
    });

    test("a file of the outputs will do, and a table for a pull request comes of it", async () => {
        const run = await inLab(`file=$(mktemp)
            trap 'rm "$file"' EXIT
            pulumi stack output --json >"$file"
            npm run --silent check -- --json "$file" --markdown ${client}`);
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
