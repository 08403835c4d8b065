import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Target } from "../../checks/index.ts";
import { loopbackAddresses } from "../../components/host/render/nginx/sizes.ts";
import type { NginxArgs } from "../../components/host/render/nginx/args.ts";
import type { NginxConfig } from "../../components/host/render/nginx/config.ts";
import { freePort } from "./free-port.ts";
import type { Pair } from "./test-ca.ts";
import { listenersWith } from "../unit/listeners.ts";

/** Another root directory whose nginx is run, to try other distributions' ones. It has to see this machine's /tmp. */
const ROOT = process.env.LINKMESH_NGINX_ROOT ?? "/";
const STREAM_MODULE = "/usr/share/nginx/modules-available/mod-stream.conf";

/** Before 1.25.1 nginx has HTTP/2 for a port, and not for a name. */
const HTTP2_PER_NAME = (() => {
    const [, minor, patch] = /nginx\/1\.(\d+)\.(\d+)/.exec(
        execFileSync("chroot", [ROOT, "sh", "-c", "nginx -v 2>&1"], { encoding: "utf8" }),
    )!;
    return Number(minor) > 25 || (minor === "25" && Number(patch) >= 1);
})();

/** What a plain stack renders. */
export function nginxArgs(domain: string, collectorsExpected: number): NginxArgs {
    return {
        domain,
        uiDomain: "",
        listeners: listenersWith(),
        linkmeshAddresses: loopbackAddresses(collectorsExpected),
        ipv6: true,
        trustedProxies: [],
        collectorsExpected,
        sessionsPerAddress: 0,
        certificate: `/etc/letsencrypt/live/${domain}`,
    };
}

export type Files = Record<string, string>;

export interface NginxOptions {
    config: NginxConfig;
    domain: string;
    /** For port 443, in place of Let's Encrypt's. */
    certificate: Pair;
    /** Where LinkMesh listens on 127.0.0.1. */
    upstream: { http: number; grpc: number };
    /** Changes the rendered files before they are used, as a mistake would. */
    edit?: (files: Files) => Files;
    /** What others have put below /etc/nginx, such as "conf.d/0.conf". */
    foreign?: Files;
}

/**
 * A real nginx with the rendered configuration, on free ports of loopback and with every path below a temporary
 * directory. Around the rendered files stands the nginx.conf of the distribution's package.
 */
export class NginxServer {
    /** What nginx sent to the journal. */
    readonly journal: string[] = [];
    private process: ChildProcess | undefined;
    private output = "";

    private constructor(
        readonly directory: string,
        readonly ports: Ports,
        /** Where it answers the machine itself, if a load balancer has the other ports. */
        readonly ownPorts: Ports,
        private readonly syslog: Socket,
        private readonly options: NginxOptions,
    ) {
        syslog.on("message", (line) => this.journal.push(String(line)));
    }

    /** @throws with nginx's own message when it refuses the configuration */
    static async start(options: NginxOptions): Promise<NginxServer> {
        const server = await NginxServer.create(options);
        try {
            await server.launch();
        } catch (error) {
            await server.stop();
            throw error;
        }
        return server;
    }

    private static async create(options: NginxOptions): Promise<NginxServer> {
        const directory = mkdtempSync(join(tmpdir(), "linkmesh-nginx-"));
        chmodSync(directory, 0o755); // the workers are www-data and read the challenges
        const [ports, ownPorts] = [await freePorts(), await freePorts()];
        const syslog = createSocket("udp4").bind(0, "127.0.0.1");
        await once(syslog, "listening");
        const server = new NginxServer(directory, ports, ownPorts, syslog, options);
        server.write();
        return server;
    }

    /** What `nginx -t` says of the configuration; nothing is served. */
    static async test(options: NginxOptions): Promise<{ accepted: boolean; output: string }> {
        const server = await NginxServer.create(options);
        const { status, stderr } = spawnSync("chroot", [ROOT, "nginx", "-t", ...server.files()], { encoding: "utf8" });
        await server.stop();
        return { accepted: status === 0, output: stderr };
    }

    /** Both families, for runChecks. The ports behind nginx are not checked: loopback has no packet filter. */
    target(ca: string): Target {
        const { http, https, grpc } = this.ports;
        return {
            host: this.options.domain,
            ipv4: "127.0.0.1",
            ipv6: "::1",
            ca,
            httpPort: http,
            httpsPort: https,
            grpc: { port: grpc },
            closedPorts: [],
            timeoutMs: 60_000,
        };
    }

    /** What the program drain.sh does on a machine, or undoes. */
    drain(draining: boolean): void {
        const flag = join(this.directory, "linkmesh-draining");
        if (draining) writeFileSync(flag, "");
        else rmSync(flag);
    }

    /** Puts an ACME challenge where certbot would. */
    challenge(token: string, text: string): void {
        writeFileSync(join(this.directory, "acme/.well-known/acme-challenge", token), text);
    }

    /** Puts another certificate into place and reloads, as a renewal does. */
    renew(certificate: Pair): void {
        this.writeCertificate(certificate);
        this.process!.kill("SIGHUP");
    }

    /** Of the master, whose children serve. */
    get pid(): number {
        return this.process!.pid!;
    }

    log(): string {
        return readFileSync(join(this.directory, "log/error.log"), "utf8");
    }

    async stop(): Promise<void> {
        const { process } = this;
        if (process !== undefined && process.exitCode === null) {
            const ended = new Promise((resolve) => process.once("exit", resolve));
            process.kill("SIGTERM");
            await ended;
        }
        this.syslog.close();
        rmSync(this.directory, { recursive: true, force: true });
    }

    private write(): void {
        const { config, certificate, edit = (files) => files, foreign = {} } = this.options;
        const etc = ["conf.d", "modules-enabled", "sites-enabled"];
        for (const folder of ["acme/.well-known/acme-challenge", "current", "live", "log", ...etc]) {
            mkdirSync(join(this.directory, folder), { recursive: true });
        }
        const current = join(this.directory, "current");
        const hooks = {
            "conf.d/00-linkmesh-proxy.conf": `include ${current}/http-*.conf;`,
            "modules-enabled/50-mod-stream.conf": `include ${STREAM_MODULE};`,
            "modules-enabled/zz-linkmesh-proxy.conf": `include ${current}/main-*.conf;`,
        };
        for (const [name, text] of Object.entries({ ...hooks, ...foreign })) {
            writeFileSync(join(this.directory, name), this.relocate(text));
        }
        for (const [name, text] of Object.entries(edit({ ...config.files }))) {
            writeFileSync(join(this.directory, "current", name), this.relocate(text));
        }
        this.writeCertificate(certificate);
        writeFileSync(join(this.directory, "nginx.conf"), this.mainFile());
    }

    private writeCertificate({ cert, key }: Pair): void {
        writeFileSync(join(this.directory, "live/fullchain.pem"), cert);
        writeFileSync(join(this.directory, "live/privkey.pem"), key, { mode: 0o600 });
    }

    /** The rendered text with this server's paths and ports; nothing else may differ. */
    private relocate(text: string): string {
        const { ports, ownPorts, options, directory } = this;
        const free = ({ http, https, grpc }: Ports) => ({ "80": http, "443": https, "50051": grpc });
        const [listen, own] = [free(ports), free(ownPorts)];
        if (!HTTP2_PER_NAME && text.includes("http2 on;")) {
            text = text.replace(/ +http2 (on|off);\n/g, "").replace(/^( +listen .* ssl)/gm, "$1 http2");
        }
        return text
            .replaceAll("unix:/dev/log", `127.0.0.1:${this.syslog.address().port}`)
            .replaceAll("unix:/run/", `unix:${directory}/`)
            .replaceAll("-e /run/", `-e ${directory}/`)
            .replaceAll("/etc/nginx/linkmesh/current", join(directory, "current"))
            .replaceAll(`/etc/letsencrypt/live/${options.domain}`, join(directory, "live"))
            .replaceAll("/var/www/acme", join(directory, "acme"))
            .replaceAll("proxy_cache_path /run/", `proxy_cache_path ${directory}/`)
            .replaceAll("/var/log/nginx", join(directory, "log"))
            .replace(
                /\blisten (127\.0\.0\.1|\[::1\]):(80|443|50051)\b/g,
                (_, address: string, port: keyof typeof own) => `listen ${address}:${own[port]}`,
            )
            .replace(/\blisten (80|443|50051)\b/g, (_, port: keyof typeof listen) => `listen 127.0.0.1:${listen[port]}`)
            .replace(
                /\blisten \[::\]:(80|443|50051)\b/g,
                (_, port: keyof typeof listen) => `listen [::1]:${listen[port]}`,
            )
            .replace(/:8080\b/g, `:${options.upstream.http}`)
            .replace(/:50061\b/g, `:${options.upstream.grpc}`);
    }

    /** nginx.conf as the package ships it (/etc may hold a changed one), with the includes that the program adds. */
    private mainFile(): string {
        const text = readFileSync(join(ROOT, "etc/nginx/nginx.conf"), "utf8");
        return text
            .replace(/^pid .*$/m, `pid ${this.directory}/nginx.pid;`)
            .replaceAll("/var/log/nginx", join(this.directory, "log"))
            .replace(/\/etc\/nginx\/(modules-enabled|conf\.d|sites-enabled)/g, `${this.directory}/$1`)
            .replace(/worker_connections \d+;/, `worker_connections ${this.options.config.workerConnections};`);
    }

    private files(): string[] {
        return ["-e", join(this.directory, "log/error.log"), "-c", join(this.directory, "nginx.conf")];
    }

    private async launch(): Promise<void> {
        const command = ["nginx", ...this.files(), "-g", "daemon off;"];
        const child = spawn("chroot", [ROOT, ...command], { stdio: ["ignore", "pipe", "pipe"] });
        this.process = child;
        child.stdout.on("data", (chunk) => (this.output += chunk));
        child.stderr.on("data", (chunk) => (this.output += chunk));
        while (!(await listens(this.ports.https))) {
            if (child.exitCode !== null) throw new Error(`nginx does not start: ${this.output.trim()}`);
            await sleep(50);
        }
    }
}

interface Ports {
    http: number;
    https: number;
    grpc: number;
}

const freePorts = async (): Promise<Ports> => ({
    http: await freePort(),
    https: await freePort(),
    grpc: await freePort(),
});

function listens(port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = connect({ host: "127.0.0.1", port });
        socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
        socket.once("connect", () => socket.destroy());
    });
}

/** Of nginx's workers, without the process that looks after a cache and the one that reads it once. */
export function workers({ pid }: NginxServer): string[] {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    return children.filter((child) => commandOf(child).startsWith("nginx: worker process"));
}

/** Empty for a process that is gone. */
function commandOf(pid: string): string {
    try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8");
    } catch {
        return "";
    }
}

/** The memory of nginx's workers in KiB, without that of files: how much of it is theirs depends on other nginxes. */
export function workersMemory(server: NginxServer): number {
    return workers(server)
        .map((worker) => Number(/^Pss_Anon:\s+(\d+)/m.exec(readFileSync(`/proc/${worker}/smaps_rollup`, "utf8"))![1]))
        .reduce((sum, size) => sum + size, 0);
}
