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

/** nginx's configuration: the text of each file and the sizes that other places need. */
export interface NginxConfig {
    /** Names the content, so that what is served can be told from what was before; 12 hexadecimal digits. */
    revision: string;
    files: Record<NginxFile, string>;
    workerConnections: number;
    openFiles: number;
    sysctl: string;
}

/** `listeners` is none of nginx's: the addresses that must listen once the others are in use. */
export type NginxFile = "http-redirect.conf" | "http-linkmesh.conf" | "main-stream.conf" | "tls.inc" | "listeners";

/** The configuration for the public names. Pure; facts behind each line are in docs/nginx.md. */
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

/** What is served while there is no certificate yet: port 80 alone. */
export function renderPort80(args: RedirectArgs): Pick<NginxConfig, "revision"> & {
    files: Pick<NginxConfig["files"], "http-redirect.conf" | "listeners">;
} {
    const listeners = redirectListeners(args).map((listener) => `${listener}\n`);
    const revision = "port-80";
    return { revision, files: { "http-redirect.conf": renderRedirect(args, revision), listeners: listeners.join("") } };
}
