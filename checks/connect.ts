import type { X509Certificate } from "node:crypto";
import net from "node:net";
import tls from "node:tls";
import { addressAndPort, SILENT, tcpError, tlsError } from "./connection-error.ts";
import type { ResolvedTarget } from "./types.ts";

/** A TLS connection with the certificate that the server presented. Nothing is refused here: the checks judge. */
export interface TlsConnection {
    socket: tls.TLSSocket;
    certificate: X509Certificate;
    /** Why the certificate does not chain to the CA, as Node names it ("CERT_HAS_EXPIRED"); undefined if it does. */
    chainError?: string;
    /** The protocol that the server chose by ALPN. */
    alpn?: string;
}

/** A handshake that the server ended after presenting its certificate. In TLS 1.2, it may ask for the client's before the end. */
export interface RefusedHandshake {
    certificate: X509Certificate;
    code: string;
}

/** @throws ConnectionError */
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

/** Makes the TLS handshake with the host as SNI. @throws ConnectionError */
export async function connectTls(target: ResolvedTarget, port: number, alpn: string[]): Promise<TlsConnection> {
    const outcome = await handshake(target, port, alpn);
    if ("socket" in outcome) return outcome;
    throw tlsError(outcome.code, addressAndPort(target.address, port), target.host, target.timeoutMs);
}

/** Like connectTls, but gives the certificate of a server that ends the handshake after presenting it. @throws ConnectionError */
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
        // As curl does: a CA file may end with an intermediate certificate.
        allowPartialTrustChain: true,
        rejectUnauthorized: false,
    });
    // The certificate can be read only in the error's handler: afterwards the handle is gone.
    let presented: X509Certificate | undefined;
    socket.once("error", () => (presented = socket.getPeerX509Certificate()));
    const code = await firstOf(socket, "secureConnect", target.timeoutMs);
    if (code !== undefined) {
        socket.destroy();
        if (presented) return { certificate: presented, code };
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
 * Waits for the event. Gives the error's code, SILENT after the timeout, or undefined if the event came. The error listener
 * stays: in TLS 1.3 a refusal follows the handshake, and must not become an uncaught exception.
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
