import { usesHttp01 } from "./certificate.ts";
import type { Settings } from "./settings/settings.ts";

type ListenerSettings = Pick<
    Settings,
    | "grpc"
    | "grpcDomain"
    | "httpRedirect"
    | "httpsAllowedCidrs"
    | "grpcAllowedCidrs"
    | "tlsCertificate"
    | "acmeChallenge"
    | "nodes"
>;

interface Row {
    readonly port: number;
    /** The loopback port on which LinkMesh accepts these connections. Without it, nginx answers by itself. */
    readonly internalPort?: number;
    /** "terminated": nginx decrypts. "passed through": LinkMesh does. */
    readonly tls: "none" | "terminated" | "passed through";
    /** Default: always on. */
    readonly isOn?: (settings: ListenerSettings) => boolean;
    /** If not empty, the listener shares port 443, and nginx recognizes it by this name in the TLS handshake. Default: empty. */
    readonly serverName?: (settings: ListenerSettings) => string;
    /** CIDR blocks that may connect; empty for all addresses. */
    readonly networks: (settings: ListenerSettings) => readonly string[];
    /** For the rules of the security group. */
    readonly description: (settings: ListenerSettings) => string;
}

/**
 * The public TCP ports of the machine except SSH. Firewall rules, nginx and reserved ports follow from this table. To pass
 * another port through to LinkMesh, add a row.
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
        // Not 50051, because agents connect to that port, so nginx listens on it.
        internalPort: 50061,
        tls: "passed through",
        isOn: (s) => s.grpc,
        serverName: (s) => s.grpcDomain,
        networks: (s) => s.grpcAllowedCidrs,
        description: () => "gRPC of linkmesh-agent, mTLS passed through",
    },
} as const satisfies Readonly<Record<string, Row>>;

/** A row of the table with the settings applied. */
export interface Listener {
    readonly name: string;
    readonly port: number;
    readonly internalPort: number | undefined;
    readonly tls: Row["tls"];
    /** Undefined if the listener has a port of its own. */
    readonly serverName: string | undefined;
    readonly networks: readonly string[];
    readonly description: string;
}

/** The listeners that the settings turn on, in the order of the table. Pure. */
export function listeners(settings: ListenerSettings): Listener[] {
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

/** A port that clients may reach. */
export interface OpenPort {
    readonly port: number;
    /** CIDR blocks that may connect; empty for all addresses. */
    readonly cidrs: readonly string[];
    readonly description: string;
}

/** Each open port once. The description lists all listeners that share it. Pure. */
export function openPorts(settings: ListenerSettings): OpenPort[] {
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
