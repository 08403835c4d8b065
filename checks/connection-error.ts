/** A connection that failed, told in one sentence, with what to do about it. */
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

export const SILENT = "SILENT";

/** The fault for a TCP connection that could not be made. */
export function tcpError(code: string | undefined, where: string, timeoutMs: number): ConnectionError {
    switch (code) {
        case SILENT:
        case "ETIMEDOUT":
            return new ConnectionError(
                `${where} does not answer within ${seconds(timeoutMs)}`,
                "check that the address is right, the machine runs and its security group allows the port",
                code,
            );
        case "ECONNREFUSED":
            return new ConnectionError(
                `nothing listens on ${where}`,
                "check on the machine that nginx runs: systemctl status nginx",
                code,
            );
        case "ENETUNREACH":
        case "EHOSTUNREACH":
        case "EADDRNOTAVAIL":
            return new ConnectionError(
                `there is no way to ${where} from here`,
                "check the address and the routes to it",
                code,
            );
        default:
            return new ConnectionError(`connecting to ${where} failed (${code ?? "unknown error"})`, undefined, code);
    }
}

/** The fault for a TLS handshake that failed. `code` is what Node gives, such as "ERR_SSL_WRONG_VERSION_NUMBER". */
export function tlsError(code: string | undefined, where: string, host: string, timeoutMs: number): ConnectionError {
    switch (code) {
        case SILENT:
            return new ConnectionError(
                `${where} accepts the connection but does not start TLS within ${seconds(timeoutMs)}`,
                "check which program listens there",
                code,
            );
        case "ERR_SSL_WRONG_VERSION_NUMBER":
        case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
        case "EPROTO":
            return new ConnectionError(
                `${where} does not speak TLS`,
                "check that the listener there has TLS and is not the plain HTTP one",
                code,
            );
        case "ERR_SSL_TLSV1_UNRECOGNIZED_NAME":
        case "ERR_SSL_TLSV1_ALERT_UNRECOGNIZED_NAME":
            return new ConnectionError(
                `${where} refuses the name ${host}`,
                "check that server_name in the nginx site is exactly this name",
                code,
            );
        case "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL":
            return new ConnectionError(
                `${where} does not offer the protocol that is needed there (ALPN refused)`,
                "on the HTTPS port HTTP/1.1 must be allowed: OpAMP's WebSocket does not work over HTTP/2",
                code,
            );
        case "ECONNRESET":
            return new ConnectionError(
                `${where} closes the connection before TLS is set up`,
                "check on the machine that the program behind it runs: journalctl -u linkmesh-server -u nginx",
                code,
            );
        default:
            return new ConnectionError(
                `the TLS handshake with ${where} failed (${code ?? "unknown error"})`,
                undefined,
                code,
            );
    }
}

export function seconds(ms: number): string {
    return ms % 1000 === 0 ? `${ms / 1000} s` : `${(ms / 1000).toFixed(1)} s`;
}
