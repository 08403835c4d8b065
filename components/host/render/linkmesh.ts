import { stringify } from "yaml";
import type { GrpcEndpoint } from "../../endpoints.ts";
import { LISTENERS } from "../../listeners.ts";

export interface LinkMeshConfigArgs {
    /** The public hostname. */
    domain: string;
    /** Where agents connect; undefined when gRPC is off. LinkMesh listens for it all the same, on loopback's side of the firewall. */
    grpc: GrpcEndpoint | undefined;
    /** The user's further keys of config.yaml. */
    extra: Readonly<Record<string, unknown>>;
}

/** The keys that are merged into LinkMesh's config.yaml, as YAML. Pure. */
export function renderConfig({ domain, grpc, extra }: LinkMeshConfigArgs): string {
    const proxy = {
        externalUrl: `https://${domain}`,
        // Loopback alone: from a wider range a client could forge the address that LinkMesh takes for its own.
        http: { trustedProxies: ["127.0.0.1/32", "::1/128"] },
        grpc: {
            port: LISTENERS.grpc.internalPort,
            ...(grpc && { externalUrl: `${grpc.host}:${grpc.port}` }),
        },
    };
    return stringify(merge(extra, proxy));
}

/** The lines of an environment file of systemd. Pure. */
export function renderEnvironment(entries: Readonly<Record<string, string>>): string {
    return Object.entries(entries)
        .map(([name, value]) => `${name}="${value.replace(/(["\\$`])/g, "\\$1")}"\n`)
        .join("");
}

/** Both objects' keys, the second's where they meet. */
function merge(
    base: Readonly<Record<string, unknown>>,
    overlay: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
    const merged: Record<string, unknown> = { ...base };
    for (const [key, value] of Object.entries(overlay)) {
        const below = base[key];
        merged[key] = isMap(below) && isMap(value) ? merge(below, value) : value;
    }
    return merged;
}

function isMap(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
