// A stand-in for Let's Encrypt's servers: a TLS front that forwards every request to the lab's ACME server, counts the
// certificates, and refuses orders if a test asks for it. Imports only Node's own modules, so that it runs by itself.
import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, request } from "node:https";

/** How to refuse new orders. */
export interface AcmeFault {
    /** 429: the limit of certificates for the same names is reached. 503: Let's Encrypt is overloaded. */
    status: 429 | 503;
    /** Value of the header Retry-After. Default: 60. */
    retryAfterSeconds?: number;
    /** How many orders to refuse. Default: all. */
    times?: number;
}

/** A line of the file with the issued certificates. */
export interface Issued {
    directory: "production" | "staging";
    time: string;
}

export interface FrontConfig {
    address: string;
    /** PEM, like the key. */
    certificate: string;
    key: string;
    /** The ACME server, at the same address. */
    upstream: { port: number; servername: string; ca: string };
    faultFile: string;
    issuedFile: string;
}

/** The ACME directory behind each name. */
const DIRECTORIES: Record<string, Issued["directory"]> = {
    "acme-v02.api.letsencrypt.org": "production",
    "acme-staging-v02.api.letsencrypt.org": "staging",
};

const DIRECTORY = "/dir";
const NEW_ORDER = "/order-plz";
const FINALIZE = "/finalize-order/";

const PROBLEMS = {
    429: {
        type: "urn:ietf:params:acme:error:rateLimited",
        detail:
            "too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, " +
            "retry after 2026-12-01 10:00:00 UTC: see " +
            "https://letsencrypt.org/docs/rate-limits/#new-certificates-per-exact-set-of-identifiers",
    },
    503: { type: "urn:ietf:params:acme:error:serverInternal", detail: "Service busy; retry later." },
} as const;

const config = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as FrontConfig;

createServer({ cert: config.certificate, key: config.key }, (incoming, answer) => {
    const directory = DIRECTORIES[incoming.headers.host ?? ""];
    if (!directory) return refuse(answer, 404, { type: "about:blank", detail: "not a name of Let's Encrypt's" });
    const fault = incoming.url === NEW_ORDER ? takeFault() : undefined;
    if (fault) {
        incoming.resume();
        answer.setHeader("Retry-After", fault.retryAfterSeconds ?? 60);
        return refuse(answer, fault.status, PROBLEMS[fault.status]);
    }
    forward(incoming, answer, (status) => {
        if (status === 200 && incoming.url?.startsWith(FINALIZE)) count({ directory, time: new Date().toISOString() });
    });
}).listen(443, config.address);

/** Returns the current fault and counts the refusal. */
function takeFault(): AcmeFault | undefined {
    let fault: AcmeFault;
    try {
        fault = JSON.parse(readFileSync(config.faultFile, "utf8")) as AcmeFault;
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
    }
    if (fault.times === 1) rmSync(config.faultFile);
    else if (fault.times) writeFileSync(config.faultFile, JSON.stringify({ ...fault, times: fault.times - 1 }));
    return fault;
}

function count(issued: Issued): void {
    appendFileSync(config.issuedFile, `${JSON.stringify(issued)}\n`);
}

function refuse(answer: ServerResponse, status: number, problem: { type: string; detail: string }): void {
    answer.writeHead(status, { "Content-Type": "application/problem+json" });
    answer.end(JSON.stringify({ ...problem, status }));
}

/** Forwards a request unchanged. The Host header stays, because the ACME server builds its URLs from it. */
function forward(incoming: IncomingMessage, answer: ServerResponse, onStatus: (status: number) => void): void {
    const { servername, ca, port } = config.upstream;
    const upstream = request(
        {
            host: config.address,
            port,
            servername,
            ca,
            method: incoming.method,
            path: incoming.url === "/directory" ? DIRECTORY : incoming.url,
            headers: { ...incoming.headers, "x-forwarded-proto": "https" },
        },
        (response) => {
            onStatus(response.statusCode!);
            answer.writeHead(response.statusCode!, response.headers);
            response.pipe(answer);
        },
    );
    upstream.on("error", (error) => {
        if (answer.headersSent) return answer.destroy();
        refuse(answer, 502, { type: "about:blank", detail: `the lab's ACME server does not answer: ${error.message}` });
    });
    incoming.pipe(upstream);
}
