/** What to check: a public host name, and the addresses at which it must answer. */
export interface Target {
    /** Public host name, as "linkmesh.example.com". Used for SNI, the Host header and the names in certificates. */
    host: string;
    /** Name of the web UI with HTTP/2. Default: the web UI has no name of its own. */
    uiHost?: string;
    /** IPv4 address to connect to. Default: the A record, unless `ipv6` is set. */
    ipv4?: string;
    /**
     * IPv6 address to connect to, without brackets. false: there is none, and there must be no AAAA record. Default: the AAAA
     * record, unless `ipv4` is set.
     */
    ipv6?: string | false;
    /**
     * The addresses of the load balancer, if there is one, instead of `ipv4` and `ipv6`: all that DNS must return, and each must
     * answer. The load balancer has the certificate, so nothing of it is checked on a machine.
     */
    balancer?: Addresses;
    /** PEM certificates of the CA that signs the public certificate. Default: Node's public roots. */
    ca?: string;
    /** The public certificate does not come from ACME, so nothing renews it. Default: false. */
    ownCertificate?: boolean;
    /**
     * Where agents connect by gRPC. false: gRPC is off. Default of `host`: the public host. Default of `port`: 50051, or
     * the HTTPS port if gRPC has a name of its own.
     */
    grpc?: false | { host?: string; port?: number };
    /** Default: 443. */
    httpsPort?: number;
    /** false: port 80 is off. Default: 80. */
    httpPort?: number | false;
    /** Ports that must not answer. Default: LinkMesh's own 8080 and 50061, and 80 and 50051 unless they are in use. */
    closedPorts?: number[];
    /**
     * Name servers to ask: the system's, or these ("192.0.2.53" or "192.0.2.53:5353"). Their answer must be `ipv4` and
     * `ipv6`. Default: the system's; if an address is given, none.
     */
    dns?: "system" | string[];
    /** The host has this program's health URL. Default: false, and it is not asked for. */
    health?: boolean;
    /** The ssh command up to the destination, as words. Default: the checks that run on the machine are skipped. */
    ssh?: string[];
    /** Several machines, each with its ssh command, instead of `ssh`. */
    nodes?: { name: string; ssh: string[] }[];
    /** For each connection, and again for the response on it. Default: 10,000 ms. */
    timeoutMs?: number;
}

export type Family = "ipv4" | "ipv6";
export type Addresses = Record<Family, string[]>;
export type Status = "ok" | "warn" | "fail";

export const CHECK_NAMES = [
    "addresses",
    "setup",
    "redirect",
    "https",
    "ui",
    "certificate",
    "opamp",
    "agent",
    "grpc",
    "closed",
    "health",
    "renewal",
    "served",
    "restart",
    "limits",
] as const;
export type CheckName = (typeof CHECK_NAMES)[number];

export interface Verdict {
    status: Status;
    /** One sentence. */
    detail: string;
    /** What to do, if there is something to do. */
    hint?: string;
}

/** One line of a report, also of other tools than check. */
export interface Finding extends Verdict {
    name: string;
    /** The family of the address that was checked; undefined for what concerns the whole target. */
    family?: Family;
}

/** What was found at one host. */
export interface Report {
    /** The host name. */
    host: string;
    results: Finding[];
}

export function isOk({ results }: Pick<Report, "results">): boolean {
    return !results.some(({ status }) => status === "fail");
}

export interface CheckResult extends Finding {
    name: CheckName;
    /** Time of the last attempt. */
    ms: number;
}

/** One address of a target, with every default filled in. */
export interface ResolvedTarget {
    host: string;
    /** The name of the web UI: its own, or the host. */
    uiHost: string;
    /** Whether a load balancer answers, which speaks HTTP/1.1 alone. */
    balanced: boolean;
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

/** One check of one address. `run` throws a ConnectionError if the connection itself fails. */
export interface Check {
    name: CheckName;
    run(target: ResolvedTarget): Promise<Verdict>;
}

export const ok = (detail: string): Verdict => ({ status: "ok", detail });
export const warn = (detail: string, hint?: string): Verdict => ({ status: "warn", detail, hint });
export const fail = (detail: string, hint?: string): Verdict => ({ status: "fail", detail, hint });
