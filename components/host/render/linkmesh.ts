import { stringify } from "yaml";
import type { GrpcEndpoint } from "../../endpoints.ts";
import { LISTENERS } from "../../listeners.ts";

export interface LinkMeshConfigArgs {
    /** The public hostname. */
    domain: string;
    /** Where agents connect; undefined if gRPC is off. LinkMesh still listens on the internal port, which no firewall rule opens. */
    grpc: GrpcEndpoint | undefined;
    /** Additional keys of the user. */
    extra: Readonly<Record<string, unknown>>;
}

/** The keys that are merged into LinkMesh's config.yaml, as YAML. Pure. */
export function renderConfig({ domain, grpc, extra }: LinkMeshConfigArgs): string {
    const proxy = {
        externalUrl: `https://${domain}`,
        // Only nginx connects from loopback. From a wider range, a client could forge its address.
        http: { trustedProxies: ["127.0.0.1/32", "::1/128"] },
        grpc: {
            port: LISTENERS.grpc.internalPort,
            ...(grpc && { externalUrl: `${grpc.host}:${grpc.port}` }),
        },
    };
    return stringify(merge(extra, proxy));
}

/** An environment file for systemd. Pure. */
export function renderEnvironment(entries: Readonly<Record<string, string>>): string {
    return Object.entries(entries)
        .map(([name, value]) => `${name}="${value.replace(/(["\\$`])/g, "\\$1")}"\n`)
        .join("");
}

/** A deep merge. The overlay wins. */
function merge(
    base: Readonly<Record<string, unknown>>,
    overlay: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
    const merged: Record<string, unknown> = { ...base };
    for (const [key, value] of Object.entries(overlay)) {
        const baseValue = base[key];
        merged[key] = isMap(baseValue) && isMap(value) ? merge(baseValue, value) : value;
    }
    return merged;
}

function isMap(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
