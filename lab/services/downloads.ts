import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../lab.ts";
import type { Service } from "./service.ts";

const CACHE_PORT = 3142;

/** Files put here are served at {@link packagesUrl}. The directory itself must stay the same one while the lab runs. */
export function packagesDir(lab: Lab): string {
    return join(lab.dir, "packages");
}

/** Without a final slash. */
export function packagesUrl(lab: Lab): string {
    return `http://${lab.net.packages}`;
}

/** A static web server for the LinkMesh package. */
export function packages(lab: Lab): Service {
    mkdirSync(packagesDir(lab), { recursive: true });
    return {
        name: "packages",
        argv: ["python3", "-m", "http.server", "80", "--bind", lab.net.packages, "--directory", "/packages"],
        address: lab.net.packages,
        port: 80,
        directories: { [packagesDir(lab)]: "/packages" },
    };
}

/**
 * The machines' way to the Debian mirror. Its cache survives the lab. Each slot has its own, as two apt-cacher-ng
 * processes must not write to one.
 */
export function aptCache(lab: Lab): Service {
    const cache = join(lab.cacheDir, "apt", String(lab.slot));
    mkdirSync(cache, { recursive: true });
    const proxy = process.env.http_proxy ?? process.env.HTTP_PROXY;
    const conf = [
        "ForeGround: 1",
        `BindAddress: ${lab.net.aptCache}`,
        `Port: ${CACHE_PORT}`,
        "CacheDir: /cache",
        "LogDir: /lab",
        "SocketPath: /run/apt-cacher-ng.socket",
        // Sources by https are passed through, not cached.
        "PassThroughPattern: :443$",
        ...(proxy ? [`Proxy: ${proxy}`] : []),
    ];
    return {
        name: "apt-cache",
        argv: ["apt-cacher-ng", "-c", "/lab"],
        address: lab.net.aptCache,
        port: CACHE_PORT,
        files: { "acng.conf": `${conf.join("\n")}\n` },
        directories: { [cache]: "/cache" },
    };
}
