import fc from "../any.ts";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { describe, expect, test } from "vitest";
import { renderConfig, renderEnvironment } from "../../components/host/render/linkmesh.ts";
import { sessionsPerAddress } from "../../components/host/render/nginx/limits.ts";
import type { NginxArgs } from "../../components/host/render/nginx/args.ts";
import { renderNginx } from "../../components/host/render/nginx/config.ts";
import { loopbackAddresses, nginxSizes } from "../../components/host/render/nginx/sizes.ts";
import { HSTS_SECONDS } from "../../components/host/render/nginx/tls.ts";
import { quote, renderStep } from "../../components/host/render/step.ts";
import { renderUserData } from "../../components/host/render/user-data.ts";
import { SETTINGS } from "../../components/settings/settings.ts";
import { listenersWith } from "./listeners.ts";
import { GENERATED, QUESTIONS, path } from "../../docs/generate.ts";
import { expectGolden } from "./golden.ts";
import { find, nginxTree } from "./nginx-tree.ts";

const ARGS: NginxArgs = {
    domain: "linkmesh.example.com",
    uiDomain: "",
    listeners: listenersWith(),
    linkmeshAddresses: ["127.0.0.1"],
    ipv6: true,
    trustedProxies: [],
    collectorsExpected: 10_000,
    sessionsPerAddress: 0,
    certificate: "/etc/letsencrypt/live/linkmesh.example.com",
};
const MODES: Record<string, Partial<NginxArgs>> = {
    "shared-port": { listeners: listenersWith({ grpcDomain: "grpc.example.com" }), uiDomain: "ui.example.com" },
    "ui-name": { uiDomain: "ui.example.com" },
    "grpc-off": { listeners: listenersWith({ grpc: false }) },
    "ipv4-only": { ipv6: false },
    "no-port-80": {
        listeners: listenersWith({ httpRedirect: false }),
        certificate: "/etc/linkmesh-proxy/tls/current",
    },
    balancer: { balancer: ["10.0.0.0/24", "2001:db8:0:1::/64"], certificate: "/etc/linkmesh-proxy/tls/current" },
    "trusted-proxies": { trustedProxies: ["203.0.113.0/24", "2001:db8::/32"] },
};

/** The servers of port 443, without those of an upstream. */
const sites = (files: Record<"http-linkmesh.conf", string>) =>
    nginxTree(files["http-linkmesh.conf"]).filter(({ name }) => name === "server");

describe("nginx", () => {
    const config = renderNginx(ARGS);

    test.each(Object.keys(config.files) as (keyof typeof config.files)[])("%s is as reviewed", async (file) => {
        await expectGolden(config.files[file], `golden/nginx/${file}`);
    });

    // Only the differences of a mode need a review.
    test.each(Object.keys(MODES))("%s is as reviewed", async (mode) => {
        const { files } = renderNginx({ ...ARGS, ...MODES[mode] });
        const { files: plain } = config;
        const names = (Object.keys(files) as (keyof typeof files)[]).filter((name) =>
            name === "http-redirect.conf"
                ? files[name].replace(/"[0-9a-f]{12}"/, "") !== plain[name].replace(/"[0-9a-f]{12}"/, "")
                : files[name] !== plain[name],
        );
        const text = names.map((name) => `#### ${name}\n${files[name]}`).join("\n");
        await expectGolden(text, `golden/nginx/modes/${mode}.conf`);
    });

    test.each(Object.keys(MODES))("%s: all names of port 443 have the TLS settings that testssl grades", (mode) => {
        const { files } = renderNginx({ ...ARGS, ...MODES[mode] });
        expect(files["tls.inc"]).toBe(config.files["tls.inc"]);
        const folder = MODES[mode]?.certificate ?? ARGS.certificate;
        const certificate = [`ssl_certificate ${folder}/fullchain.pem`, `ssl_certificate_key ${folder}/privkey.pem`];
        const hsts = `add_header Strict-Transport-Security max-age=${HSTS_SECONDS} always`;
        for (const { block = [] } of sites(files)) {
            const lines = block.map(({ name, args }) => [name, ...args].join(" "));
            const isDefault = lines.includes("server_name _");
            expect(lines.filter((line) => /^ssl_(?!buffer_size )|tls\.inc/.test(line))).toEqual([
                "include /etc/nginx/linkmesh/current/tls.inc",
                ...(isDefault && !MODES[mode]?.balancer ? ["ssl_reject_handshake on"] : certificate),
            ]);
            // A block that adds a header inherits none, and needs its own.
            const adding = [{ block }, ...find(block, "location")].filter(({ block = [] }) =>
                block.some(({ name }) => name === "add_header"),
            );
            for (const { block: headers = [] } of adding) {
                expect(headers.map(({ name, args }) => [name, ...args].join(" "))).toContain(hsts);
            }
            expect(adding.length > 2).toBe(!isDefault);
        }
    });

    test("kernel settings are as reviewed", async () => {
        await expectGolden(config.sysctl, "golden/nginx/sysctl.conf");
    });

    test.each([
        [1, 4096, 65_536, 1],
        [1000, 4096, 65_536, 1],
        [10_000, 16_384, 65_536, 1],
        [28_000, 65_536, 131_072, 1],
        [28_001, 65_536, 131_072, 2],
        [100_000, 262_144, 524_288, 4],
        [200_000, 524_288, 1_048_576, 8],
    ])(
        "%i collectors: %i connections a worker, %i open files, %i upstream addresses",
        (collectors, connections, files, addresses) => {
            const sizes = nginxSizes(collectors);
            expect(sizes.workerConnections).toBe(connections);
            expect(sizes.openFiles).toBe(files);
            expect(loopbackAddresses(collectors)).toHaveLength(addresses);
        },
    );

    test("any fleet fits: connections, files and local ports", () => {
        fc.assert(
            fc.property(fc.integer({ min: 1, max: 200_000 }), (n) => {
                const s = nginxSizes(n);
                return (
                    s.workerConnections * 2 >= 3 * n &&
                    s.openFiles >= s.workerConnections + 1024 &&
                    loopbackAddresses(n).length * 28_000 >= n
                );
            }),
        );
    });

    test("a fleet behind one address is not refused, unless a limit is set", () => {
        fc.assert(
            fc.property(fc.integer({ min: 1, max: 200_000 }), fc.integer({ min: 1, max: 65_535 }), (n, limit) => {
                expect(sessionsPerAddress({ collectorsExpected: n, sessionsPerAddress: limit })).toBe(limit);
                return (sessionsPerAddress({ collectorsExpected: n, sessionsPerAddress: 0 }) ?? Infinity) > n;
            }),
        );
    });

    test("the revision follows the content", () => {
        expect(renderNginx(ARGS).revision).toBe(config.revision);
        expect(renderNginx({ ...ARGS, domain: "other.example.com" }).revision).not.toBe(config.revision);
        expect(renderNginx({ ...ARGS, collectorsExpected: 60_000 }).revision).not.toBe(config.revision);
        expect(config.files["http-redirect.conf"]).toContain(`return 200 "${config.revision}"`);
    });
});

describe("LinkMesh", () => {
    test("config.yaml is as reviewed", async () => {
        await expectGolden(
            renderConfig({
                domain: ARGS.domain,
                grpc: { host: ARGS.domain, port: 50051 },
                extra: { metrics: { enabled: true }, grpc: { keepalive: "30s" } },
            }),
            "golden/linkmesh/config.yaml",
        );
    });

    test.each(["1_000", "<<", "=", "on", "\x7f", "\x85", "\ufeff"])(
        "%j is text in config.yaml, as key and value",
        (text) => {
            const yaml = renderConfig({ domain: ARGS.domain, grpc: undefined, extra: { [text]: text } });
            const escaped = JSON.stringify(text).replace(
                /[\x7f-\x9f\ufeff]/,
                (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
            );
            expect(yaml).toContain(`${escaped}: ${escaped}\n`);
        },
    );

    test("any value of the environment reaches a program unchanged", () => {
        fc.assert(
            fc.property(fc.string({ unit: "grapheme-ascii" }), (value) => {
                // systemd reads double-quoted values as the shell does, except for expansion, which the escapes prevent.
                const line = renderEnvironment({ VALUE: value });
                const out = execFileSync("bash", ["-c", `${line}printf %s "$VALUE"`], { encoding: "utf8" });
                return out === value;
            }),
            { numRuns: 40 },
        );
    });
});

test("user data is YAML with the unchanged key", () => {
    const hostPrivateKey =
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1r\nZXk=\n-----END OPENSSH PRIVATE KEY-----\n";
    const text = renderUserData({
        hostPrivateKey,
        hostPublicKey: "ssh-ed25519 AAAA\n",
        authorizedKey: "ssh-ed25519 BBBB me\n",
    });
    expect(text.startsWith("#cloud-config\n")).toBe(true);
    expect(parse(text)).toEqual({
        ssh_deletekeys: true,
        ssh_keys: { ed25519_private: hostPrivateKey, ed25519_public: "ssh-ed25519 AAAA" },
        ssh_authorized_keys: ["ssh-ed25519 BBBB me"],
        ssh_pwauth: false,
    });
});

describe("a step's text", () => {
    test("is as reviewed", async () => {
        const text = renderStep({
            name: "environment",
            variables: { DOMAIN: "linkmesh.example.com" },
            files: { entries: 'A="b"\n' },
        });
        await expectGolden(text, "golden/step-environment.sh");
    });

    test("cut anywhere, it runs nothing", () => {
        const text = renderStep({ name: "ready" }).replace("start </dev/null", "echo STARTED");
        const lines = text.split("\n");
        for (let n = 0; n < lines.length - 2; n += 7) {
            const cut = lines.slice(0, n).join("\n");
            let out = "";
            try {
                out = execFileSync("bash", ["-s"], { input: cut, encoding: "utf8", stdio: ["pipe", "pipe", "ignore"] });
            } catch {
                // An unfinished function is a syntax error, so nothing runs.
            }
            expect(out).toBe("");
        }
    });

    test("any file and any variable arrive unchanged", () => {
        const text = fc.string({ unit: "grapheme-ascii" }).map((s) => s.replaceAll("\0", ""));
        fc.assert(
            fc.property(
                text,
                fc.array(fc.oneof(text, fc.constant("END_OF_FILE"), fc.constant("$(id)")), { maxLength: 4 }),
                (value, lines) => {
                    const content = lines.map((l) => l + "\n").join("");
                    const script = renderStep({
                        name: "ready",
                        variables: { VALUE: value },
                        files: { "a.txt": content },
                    });
                    const show =
                        'printf %s "$VALUE"; printf "\\001"; FILES=$(mktemp -d); unpack; cat "$FILES/a.txt"; rm -r "$FILES"';
                    const probe = script.replace("start </dev/null", show);
                    const out = execFileSync("bash", ["-s"], { input: probe, encoding: "utf8" });
                    return out === `${value}\x01${content}`;
                },
            ),
            { numRuns: 60 },
        );
    });

    test("a word is quoted for the shell", () => expect(quote("it's $HOME")).toBe(`'it'\\''s $HOME'`));
});

test.each(GENERATED)("$file is what npm run generate writes", async ({ file, render }) => {
    const text = readFileSync(path(file), "utf8");
    expect(await render(text), `${file} is stale: run npm run generate`).toBe(text);
});

test("`pulumi new` asks for every setting without a default, and for the package", () => {
    const required = Object.entries(SETTINGS).filter(([, setting]) => !("default" in setting));
    const asked = Object.keys(QUESTIONS).filter((name) => !name.includes(":"));
    expect(asked.sort()).toEqual([...required.map(([name]) => name), "linkmeshDebSha256", "linkmeshDebUrl"].sort());
});

test("a project from `pulumi new` keeps its values, and is not a template itself", () => {
    const text = readFileSync(path("Pulumi.yaml"), "utf8");
    const made =
        text.replace(/^template:\n(?: .*\n|\n)*/m, "") + "  pulumi:tags:\n    value:\n      pulumi:template: x\n";
    expect(made).not.toContain("quickstart");
    expect(GENERATED[0].render(made)).toBe(made);
});
