import type { X509Certificate } from "node:crypto";
import net from "node:net";
import tls from "node:tls";
import { addressAndPort, SILENT, tcpError, tlsError } from "./connection-error.ts";
import type { ResolvedTarget } from "./types.ts";

/** A TLS connection and what the server showed of itself. Nothing is refused here: the checks judge. */
export interface TlsConnection {
    socket: tls.TLSSocket;
    certificate: X509Certificate;
    /** Why the chain does not lead to the CA, as Node names it ("CERT_HAS_EXPIRED"); undefined when it does. */
    chainError?: string;
    /** What ALPN chose; undefined when the server chose nothing. */
    alpn?: string;
}

/** A handshake that the server ended, after it had shown its certificate (TLS 1.2 asks for a client's before the end). */
export interface RefusedHandshake {
    certificate: X509Certificate;
    code: string;
}

/** Connects to a port of the endpoint's address. @throws ConnectionError */
export async function connectTcp(
    target: ResolvedTarget,
    port: number,
    timeoutMs = target.timeoutMs,
): Promise<net.Socket> {
    const socket = net.connect({ host: target.address, port });
    const code = await firstOf(socket, "connect", timeoutMs);
    if (code === undefined) return socket;
    socket.destroy();
    throw tcpError(code, addressAndPort(target.address, port), timeoutMs);
}

/** Connects and makes the TLS handshake, naming the host by SNI. The certificate is not judged. @throws ConnectionError */
export async function connectTls(target: ResolvedTarget, port: number, alpn: string[]): Promise<TlsConnection> {
    const outcome = await handshake(target, port, alpn);
    if ("socket" in outcome) return outcome;
    throw tlsError(outcome.code, addressAndPort(target.address, port), target.host, target.timeoutMs);
}

/** As connectTls, but a server that ends the handshake after it has shown its certificate is an answer too. */
export async function handshake(
    target: ResolvedTarget,
    port: number,
    alpn: string[],
): Promise<TlsConnection | RefusedHandshake> {
    const socket = tls.connect({
        socket: await connectTcp(target, port),
        servername: target.host,
        ALPNProtocols: alpn,
        ca: target.ca,
        // As curl does: a bundle may end with an intermediate, as the chain of one's own certificate often does.
        allowPartialTrustChain: true,
        rejectUnauthorized: false,
    });
    // The certificate can be read in the handler of the error only, afterwards the handle is gone.
    let shown: X509Certificate | undefined;
    socket.once("error", () => (shown = socket.getPeerX509Certificate()));
    const code = await firstOf(socket, "secureConnect", target.timeoutMs);
    if (code !== undefined) {
        socket.destroy();
        if (shown) return { certificate: shown, code };
        throw tlsError(code, addressAndPort(target.address, port), target.host, target.timeoutMs);
    }
    return {
        socket,
        certificate: socket.getPeerX509Certificate()!,
        chainError: socket.authorized ? undefined : String(socket.authorizationError),
        alpn: socket.alpnProtocol || undefined,
    };
}

/**
 * Waits for the event: undefined when it came, the error's code (SILENT after the timeout) when it did not. The listener
 * for errors stays: in TLS 1.3 a refusal follows the handshake, and must not become an uncaught exception.
 */
function firstOf(socket: net.Socket, event: string, timeoutMs: number): Promise<string | undefined> {
    return new Promise((resolve) => {
        const timer = setTimeout(() => resolve(SILENT), timeoutMs);
        const settle = (code?: string) => {
            clearTimeout(timer);
            resolve(code);
        };
        socket.once(event, () => settle());
        socket.on("error", (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
        socket.once("close", () => settle("ECONNRESET"));
    });
}
