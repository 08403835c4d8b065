import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../lab.ts";
import type { Service } from "./service.ts";

const CACHE_PORT = 3142;

/** Files here are served at {@link packagesUrl}. While the lab runs, the directory must not be replaced. */
export function packagesDir(lab: Lab): string {
    return join(lab.dir, "packages");
}

/** The URL without a final slash. */
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
 * The cache through which machines reach the Debian mirror. It survives the lab. Each slot has its own, because two
 * apt-cacher-ng processes must not write to the same cache.
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
        // Sources with https are passed through, not cached.
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
