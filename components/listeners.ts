import { usesHttp01 } from "./certificate.ts";
import type { Settings } from "./settings/settings.ts";

type Given = Pick<
    Settings,
    | "grpc"
    | "grpcDomain"
    | "httpRedirect"
    | "httpsAllowedCidrs"
    | "grpcAllowedCidrs"
    | "tlsCertificate"
    | "acmeChallenge"
>;

interface Row {
    readonly port: number;
    /** LinkMesh's own port behind it, on loopback. Without one nginx answers by itself. */
    readonly internalPort?: number;
    /** "terminated": nginx decrypts. "passed through": the bytes reach LinkMesh as they are. */
    readonly tls: "none" | "terminated" | "passed through";
    /** Default: always. */
    readonly isOn?: (settings: Given) => boolean;
    /** A hostname by which it shares port 443 in place of its own: the name in the TLS handshake decides. Default: none. */
    readonly serverName?: (settings: Given) => string;
    /** Who may connect, as CIDR blocks; empty for the world. */
    readonly networks: (settings: Given) => readonly string[];
    /** Who answers, for the rule of the security group. */
    readonly description: (settings: Given) => string;
}

/**
 * Each public TCP port of the machine except SSH's. Firewall rules, nginx and reserved ports follow from it: one more port
 * that is passed through to LinkMesh is one more row.
 */
export const LISTENERS = {
    http: {
        port: 80,
        tls: "none",
        isOn: (s) => s.httpRedirect,
        networks: (s) => (usesHttp01(s) ? [] : s.httpsAllowedCidrs),
        description: (s) => (usesHttp01(s) ? "ACME challenges, and the redirect to https" : "The redirect to https"),
    },
    https: {
        port: 443,
        internalPort: 8080,
        tls: "terminated",
        networks: (s) => s.httpsAllowedCidrs,
        description: () => "UI, REST API and OpAMP over https",
    },
    grpc: {
        port: 50051,
        // Moved, so that nginx has the port that agents know.
        internalPort: 50061,
        tls: "passed through",
        isOn: (s) => s.grpc,
        serverName: (s) => s.grpcDomain,
        networks: (s) => s.grpcAllowedCidrs,
        description: () => "gRPC of linkmesh-agent, mTLS passed through",
    },
} as const satisfies Readonly<Record<string, Row>>;

/** A listener as the settings have it. */
export interface Listener {
    readonly name: string;
    readonly port: number;
    readonly internalPort: number | undefined;
    readonly tls: Row["tls"];
    /** Undefined if the port is its own. */
    readonly serverName: string | undefined;
    readonly networks: readonly string[];
    readonly description: string;
}

/** The listeners that the settings turn on, in the order of the table. Pure. */
export function listeners(settings: Given): Listener[] {
    return Object.entries<Row>(LISTENERS).flatMap(([name, row]) => {
        if (row.isOn?.(settings) === false) return [];
        const serverName = row.serverName?.(settings) || undefined;
        return {
            name,
            port: serverName === undefined ? row.port : LISTENERS.https.port,
            internalPort: row.internalPort,
            tls: row.tls,
            serverName,
            networks: row.networks(settings),
            description: row.description(settings),
        };
    });
}

/** A port that the network may reach. */
export interface OpenPort {
    readonly port: number;
    /** Who may connect, as CIDR blocks; empty for the world. */
    readonly cidrs: readonly string[];
    readonly description: string;
}

/** Each open port once, with those who share it in its description. Pure. */
export function openPorts(settings: Given): OpenPort[] {
    const all = listeners(settings);
    return all
        .filter(({ serverName }) => serverName === undefined)
        .map(({ port, networks }) => ({
            port,
            cidrs: networks,
            description: all
                .filter((one) => one.port === port)
                .map(({ description }) => description)
                .join("; "),
        }));
}
