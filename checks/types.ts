/** What is to be checked: one public host name, at the addresses where it should answer. */
export interface Target {
    /** Public host name, as "linkmesh.example.com". Used for SNI, the Host header and the names in certificates. */
    host: string;
    /** Name of the web UI, where browsers get HTTP/2. Default: it has none of its own. */
    uiHost?: string;
    /** IPv4 address to dial. Without `ipv4` and `ipv6` the addresses come from the DNS. */
    ipv4?: string;
    /** IPv6 address to dial, without brackets; false: there is none, and the DNS must not name one. */
    ipv6?: string | false;
    /** PEM bundle that signs the public certificate. Default: the public roots that Node carries. */
    ca?: string;
    /** The certificate is not from ACME but the user's own, so nothing on the machine renews it. */
    ownCertificate?: boolean;
    /**
     * Where agents connect; false: nowhere. Default of `host`: the public one. Default of `port`: 50051, and the HTTPS
     * port where gRPC has a name of its own.
     */
    grpc?: false | { host?: string; port?: number };
    /** Default: 443. */
    httpsPort?: number;
    /** false: plain HTTP is off. Default: 80. */
    httpPort?: number | false;
    /** What must not answer from outside. Default: LinkMesh's own 8080 and 50061, and of 80 and 50051 what is not in use. */
    closedPorts?: number[];
    /**
     * Compare the DNS with `ipv4` and `ipv6`, asking the system's name servers or the given ones ("192.0.2.53" or
     * "192.0.2.53:5353"). Default: the DNS is left alone when an address is given, and asked otherwise.
     */
    dns?: "system" | string[];
    /** The ssh command up to the destination, as words, for what only the machine knows. Default: it is not asked. */
    ssh?: string[];
    /** For each connection, and for the answer on it. Default: 10,000 ms. */
    timeoutMs?: number;
}

export type Family = "ipv4" | "ipv6";
export type Status = "ok" | "warn" | "fail";

export const CHECK_NAMES = [
    "addresses",
    "redirect",
    "https",
    "ui",
    "certificate",
    "opamp",
    "agent",
    "grpc",
    "closed",
    "renewal",
    "served",
    "restart",
    "limits",
] as const;
export type CheckName = (typeof CHECK_NAMES)[number];

/** What one check found. */
export interface Verdict {
    status: Status;
    /** One plain sentence. */
    detail: string;
    /** What to do next, when there is something to do. */
    hint?: string;
}

export interface CheckResult extends Verdict {
    name: CheckName;
    /** The family of the address that was dialled; absent where it does not matter. */
    family?: Family;
    /** Time of the last attempt. */
    ms: number;
}

/** One address of a target, with every default filled in. */
export interface ResolvedTarget {
    host: string;
    /** The host, unless the web UI has a name of its own. */
    uiHost: string;
    address: string;
    family: Family;
    ca?: string;
    ownCertificate: boolean;
    httpPort: number;
    httpsPort: number;
    grpc: { host: string; port: number };
    openPorts: number[];
    closedPorts: number[];
    timeoutMs: number;
}

/** One question asked of one address. Throws a ConnectionError (fault.ts) where the connection itself fails. */
export interface Check {
    name: CheckName;
    run(target: ResolvedTarget): Promise<Verdict>;
}

export const ok = (detail: string): Verdict => ({ status: "ok", detail });
export const warn = (detail: string, hint?: string): Verdict => ({ status: "warn", detail, hint });
export const fail = (detail: string, hint?: string): Verdict => ({ status: "fail", detail, hint });
