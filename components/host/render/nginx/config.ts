import { createHash } from "node:crypto";
import { LISTENERS } from "../../../listeners.ts";
import type { NginxArgs } from "./args.ts";
import { allAddresses } from "./listen.ts";
import { type RedirectArgs, redirectListeners, renderRedirect } from "./redirect.ts";
import { renderSites } from "./sites.ts";
import { nginxSizes } from "./sizes.ts";
import { isShared, renderStream } from "./stream.ts";
import { renderSysctl } from "./sysctl.ts";
import { TLS } from "./tls.ts";

/** nginx's configuration: the text of each file, and the limits for systemd and the kernel. */
export interface NginxConfig {
    /** Hash of the files, by which the machine recognizes the configuration in use; 12 hexadecimal digits. */
    revision: string;
    files: Record<NginxFile, string>;
    workerConnections: number;
    openFiles: number;
    sysctl: string;
}

/** `listeners` is not for nginx. It lists the addresses that must listen when the other files are in use. */
export type NginxFile = "http-redirect.conf" | "http-linkmesh.conf" | "main-stream.conf" | "tls.inc" | "listeners";

/** The configuration for the public names. docs/nginx.md gives the reason for each line. Pure. */
export function renderNginx(args: NginxArgs): NginxConfig {
    const sizes = nginxSizes(args.collectorsExpected, isShared(args.listeners));
    const ports = new Set(args.listeners.map(({ port }) => port));
    ports.delete(LISTENERS.http.port);
    const files = (revision: string): Record<NginxFile, string> => ({
        "http-redirect.conf": renderRedirect(args, revision),
        "http-linkmesh.conf": renderSites(args, sizes),
        "main-stream.conf": renderStream(args, sizes),
        "tls.inc": TLS,
        listeners: [...redirectListeners(args), ...[...ports].flatMap((port) => allAddresses(args, port))]
            .map((listener) => `${listener}\n`)
            .join(""),
    });
    const revision = createHash("sha256")
        .update(JSON.stringify(files("")))
        .digest("hex")
        .slice(0, 12);
    return { revision, files: files(revision), ...sizes, sysctl: renderSysctl() };
}

/** The configuration until there is a certificate: only port 80. */
export function renderPort80(args: RedirectArgs): Pick<NginxConfig, "revision"> & {
    files: Pick<NginxConfig["files"], "http-redirect.conf" | "listeners">;
} {
    const listeners = redirectListeners(args).map((listener) => `${listener}\n`);
    const revision = "port-80";
    return { revision, files: { "http-redirect.conf": renderRedirect(args, revision), listeners: listeners.join("") } };
}
