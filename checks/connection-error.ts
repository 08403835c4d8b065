import {
    ALPN_REFUSED,
    CLOSED_BEFORE_TLS,
    NO_ANSWER,
    NO_CONNECTION,
    NO_ROUTE,
    NOT_TLS,
    NOTHING_LISTENS,
    TLS_SILENT,
    UNKNOWN_NAME,
} from "./causes.ts";

/** A connection that failed: what is wrong in one sentence, and what to do. */
export class ConnectionError extends Error {
    override name = "ConnectionError";

    constructor(
        message: string,
        readonly hint?: string,
        /** The system's or OpenSSL's name for it, such as "ECONNREFUSED". */
        readonly code?: string,
    ) {
        super(message);
    }
}

/** "192.0.2.7 port 443". */
export function addressAndPort(address: string, port: number): string {
    return `${address} port ${port}`;
}

/** The code of a timeout, beside those of Node and OpenSSL. */
export const SILENT = "SILENT";

interface Explanation {
    sentence: string;
    hint: string;
}

/** The error for a TCP connection that could not be made. */
export function tcpError(code: string | undefined, where: string, timeoutMs: number): ConnectionError {
    const silent = {
        sentence: `${where} does not answer within ${seconds(timeoutMs)}`,
        hint: NO_ANSWER,
    };
    const unreachable = {
        sentence: `this computer has no route to ${where}`,
        hint: NO_ROUTE,
    };
    const explanations: Record<string, Explanation> = {
        [SILENT]: silent,
        ETIMEDOUT: silent,
        ECONNREFUSED: {
            sentence: `nothing listens on ${where}`,
            hint: NOTHING_LISTENS,
        },
        ENETUNREACH: unreachable,
        EHOSTUNREACH: unreachable,
        EADDRNOTAVAIL: unreachable,
    };
    return explained(explanations, code, `connecting to ${where} failed`);
}

/** The error for a TLS handshake that failed. `code` is what Node gives, such as "ERR_SSL_WRONG_VERSION_NUMBER". */
export function tlsError(code: string | undefined, where: string, host: string, timeoutMs: number): ConnectionError {
    const notTls = {
        sentence: `${where} does not speak TLS`,
        hint: NOT_TLS,
    };
    const unknownName = {
        sentence: `${where} refuses the name ${host}`,
        hint: UNKNOWN_NAME,
    };
    const explanations: Record<string, Explanation> = {
        [SILENT]: {
            sentence: `${where} accepts the connection but does not start TLS within ${seconds(timeoutMs)}`,
            hint: TLS_SILENT,
        },
        ERR_SSL_WRONG_VERSION_NUMBER: notTls,
        ERR_SSL_PACKET_LENGTH_TOO_LONG: notTls,
        EPROTO: notTls,
        ERR_SSL_TLSV1_UNRECOGNIZED_NAME: unknownName,
        ERR_SSL_TLSV1_ALERT_UNRECOGNIZED_NAME: unknownName,
        ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: {
            sentence: `${where} does not offer the protocol that the check asks for (ALPN refused)`,
            hint: ALPN_REFUSED,
        },
        ECONNRESET: {
            sentence: `${where} closes the connection before TLS is set up`,
            hint: CLOSED_BEFORE_TLS,
        },
    };
    return explained(explanations, code, `the TLS handshake with ${where} failed`);
}

function explained(explanations: Record<string, Explanation>, code: string | undefined, otherwise: string) {
    const known = code === undefined ? undefined : explanations[code];
    if (known) return new ConnectionError(known.sentence, known.hint, code);
    return new ConnectionError(`${otherwise} (${code ?? "unknown error"})`, NO_CONNECTION, code);
}

export function seconds(ms: number): string {
    return ms % 1000 === 0 ? `${ms / 1000} s` : `${(ms / 1000).toFixed(1)} s`;
}
