/** What is to be checked: one public host name, at the addresses where it should answer. */
export interface Target {
    /** Public host name, as "linkmesh.example.com". Used for SNI, the Host header and the names in certificates. */
    host: string;
    /** IPv4 address to dial. Without `ipv4` and `ipv6` the addresses come from the DNS. */
    ipv4?: string;
    /** IPv6 address to dial, without brackets. */
    ipv6?: string;
    /** PEM bundle that signs the public certificate. Default: the public roots that Node carries. */
    ca?: string;
    /** Where agents connect. Default: port 50051. */
    grpc?: { port: number };
    /** Default: 443. */
    httpsPort?: number;
    /** Default: 80. */
    httpPort?: number;
    /** LinkMesh's own ports, which must not answer from outside. Default: 8080 and 50061. */
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
    "certificate",
    "opamp",
    "grpc",
    "closed",
    "renewal",
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
export interface Endpoint {
    host: string;
    address: string;
    family: Family;
    ca?: string;
    httpPort: number;
    httpsPort: number;
    grpcPort: number;
    closedPorts: number[];
    timeoutMs: number;
}

/** One question asked of one address. Throws a Fault (fault.ts) where the connection itself fails. */
export interface Check {
    name: CheckName;
    run(at: Endpoint): Promise<Verdict>;
}

export const ok = (detail: string): Verdict => ({ status: "ok", detail });
export const warn = (detail: string, hint?: string): Verdict => ({ status: "warn", detail, hint });
export const fail = (detail: string, hint?: string): Verdict => ({ status: "fail", detail, hint });
