import { readFileSync } from "node:fs";
import { THIS_PROGRAM } from "../measure.ts";
import type { Pair } from "../rig/certificate.ts";
import { thisProgram } from "./this-program.ts";

/** Something that stands between the clients and LinkMesh, and how it is run on a machine with nginx and HAProxy. */
export interface Rival {
    name: string;
    /** The names of its processes. */
    processes: readonly string[];
    /** Whether it passes gRPC's port through. */
    grpc: boolean;
    /** The program of `bench/go` that it is. */
    program?: "caddy" | "opamp";
    /** Files on the machine, which are there before it is started. */
    files: Readonly<Record<string, string>>;
    /** The files of a certificate. */
    certificate: (pair: Pair) => Record<string, string>;
    /** Shell that configures it for so many sessions. A process has at most 20,000 descriptors here, two for a session. */
    configure: (sessions: number) => string;
    /** Its systemd units. */
    units: (sessions: number) => string;
    /** Shell for its own way to take a changed configuration, and a changed certificate unless it has another for that. */
    reload: (sessions: number) => string;
    renewed?: string;
    /** Shell that changes a setting in its own way, to another value for each number. */
    change: (sessions: number, number: number) => string;
}

const file = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

/** Where certbot puts certificates. */
const live = ({ certificate, key }: Pair) => ({
    "/etc/letsencrypt/live/linkmesh.example.com/fullchain.pem": certificate,
    "/etc/letsencrypt/live/linkmesh.example.com/privkey.pem": key,
});

/** Processes that share a port, for a program that has one process. */
const processesFor = (sessions: number) => Math.ceil(sessions / 9000);

/** `UNIT@1 UNIT@2 …` */
const instances = (unit: string, sessions: number) =>
    Array.from({ length: processesFor(sessions) }, (_, index) => `${unit}@${index + 1}`).join(" ");

/** Replaces what follows `setting` in a line of a file, and reloads. */
const edit = (path: string, setting: string, value: string, reload: string) =>
    `sed -i 's/\\(${setting}\\) .*/\\1 ${value}/' ${path}\n${reload}`;

const inProcesses = (unit: string): Pick<Rival, "configure" | "units" | "reload"> => ({
    configure: () => "",
    units: (sessions) => instances(unit, sessions),
    reload: (sessions) => `systemctl reload ${instances(unit, sessions)}`,
});

const nginx = {
    processes: ["nginx"],
    certificate: live,
    units: () => "nginx",
    reload: () => "systemctl reload nginx",
};

const guide: Rival = {
    ...nginx,
    name: "guide",
    grpc: true,
    files: {
        "/etc/nginx/conf.d/ws-upgrade.conf": file("guide/ws-upgrade.conf"),
        "/etc/nginx/sites-enabled/linkmesh.conf": file("guide/linkmesh.conf"),
        "/root/stream.conf": file("guide/stream.conf"),
    },
    configure: () => "grep -q '^stream' /etc/nginx/nginx.conf || cat /root/stream.conf >>/etc/nginx/nginx.conf",
    change: (_, number) =>
        edit("/etc/nginx/sites-enabled/linkmesh.conf", "proxy_read_timeout", `${3600 + number}s;`, nginx.reload()),
};

const haproxy: Rival = {
    ...inProcesses("haproxy"),
    name: "HAProxy",
    processes: ["haproxy"],
    grpc: true,
    files: {
        "/etc/haproxy/haproxy.cfg": file("haproxy/haproxy.cfg"),
        "/etc/systemd/system/haproxy@.service": file("haproxy/haproxy@.service"),
    },
    certificate: ({ certificate, key }) => ({ "/etc/haproxy/certs/linkmesh.pem": certificate + key }),
    change: (sessions, number) =>
        edit("/etc/haproxy/haproxy.cfg", "timeout http-request", `${60 + number}s`, haproxy.reload(sessions)),
};

const caddy: Rival = {
    ...inProcesses("caddy"),
    name: "Caddy",
    processes: ["caddy"],
    grpc: false,
    program: "caddy",
    files: {
        "/etc/caddy/Caddyfile": file("caddy/Caddyfile"),
        "/etc/systemd/system/caddy@.service": file("caddy/caddy@.service"),
    },
    certificate: ({ certificate, key }) => ({ "/etc/caddy/fullchain.pem": certificate, "/etc/caddy/privkey.pem": key }),
    change: (sessions, number) =>
        edit(
            "/etc/caddy/Caddyfile",
            "Strict-Transport-Security",
            `max-age=${63_072_000 + number}`,
            caddy.reload(sessions),
        ),
};

/** The backend without a proxy, which decrypts itself. */
const direct: Rival = {
    ...inProcesses("direct"),
    name: "direct",
    processes: ["opamp"],
    grpc: true,
    program: "opamp",
    files: { "/etc/systemd/system/direct@.service": file("direct/direct@.service") },
    certificate: live,
    reload: (sessions) => `systemctl restart ${instances("direct", sessions)}`,
    change: (sessions) => direct.reload(sessions),
};

/** In the order of the tables. */
export const RIVALS: readonly Rival[] = [
    {
        ...nginx,
        ...thisProgram,
        configure: (sessions) => thisProgram.configure(sessions),
        name: THIS_PROGRAM,
        grpc: true,
    },
    guide,
    haproxy,
    caddy,
    direct,
];
