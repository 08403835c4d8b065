import type { X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { TLSSocket } from "node:tls";
import { connectTls, handshake } from "./connect.ts";
import { ConnectionError, addressAndPort } from "./connection-error.ts";
import { certInit, GRPC_NAME_TERMINATED, GRPC_TERMINATED, LOOK_AT_LINKMESH, NOT_GRPC } from "./causes.ts";
import { day, issuer, judgeExpiry, names } from "./x509.ts";
import { fail, ok, warn, type Check, type ResolvedTarget, type Verdict } from "./types.ts";

/** HTTP/2 servers send their settings right after the handshake. */
const FIRST_BYTES_MS = 2_000;

/**
 * The agents' port, or their name on the HTTPS port, must pass TCP through to LinkMesh: it presents LinkMesh's own
 * certificate instead of the proxy's, and ends the session of a client without a certificate.
 */
export const grpc: Check = {
    name: "grpc",
    async run(target) {
        const { host, port } = target.grpc;
        const [session, proxy] = await Promise.all([openSession(target), publicCertificate(target)]);
        const { certificate } = session;
        if (isPublic(certificate, session.trusted, proxy)) {
            return fail(
                `TLS ends at the proxy: ${host} port ${port} presents the public certificate of ${issuer(certificate)}`,
                passThrough(target),
            );
        }
        const fault = judgeNames(certificate, host) ?? judgeMutual(session.afterwards, port);
        if (fault) return fault;

        const { days, status } = judgeExpiry(certificate.validFrom, certificate.validTo);
        if (days < 0) {
            return fail(`LinkMesh's gRPC certificate expired on ${day(certificate.validTo)}`, certInit(host));
        }
        if (status !== "ok") {
            return warn(
                `LinkMesh's gRPC certificate expires in ${days} days, on ${day(certificate.validTo)}`,
                certInit(host),
            );
        }
        return ok(`LinkMesh's own certificate for ${host} by ${issuer(certificate)}, client certificate required`);
    },
};

type Afterwards = "refused" | "admitted" | "silent";

interface Session {
    certificate: X509Certificate;
    /** The certificate chains to the CA of the public certificate. */
    trusted: boolean;
    afterwards: Afterwards;
}

async function openSession(target: ResolvedTarget): Promise<Session> {
    const { host, port } = target.grpc;
    try {
        const outcome = await handshake({ ...target, host }, port, ["h2"]);
        // TLS 1.2 asks for the client's certificate before the handshake ends.
        if (!("socket" in outcome)) return { certificate: outcome.certificate, trusted: false, afterwards: "refused" };
        const { certificate, socket, chainError } = outcome;
        return {
            certificate,
            afterwards: await afterHandshake(socket),
            trusted: chainError === undefined || chainError === "ERR_TLS_CERT_ALTNAME_INVALID",
        };
    } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        const where = addressAndPort(target.address, port);
        switch (error.code) {
            case "ECONNRESET":
                throw new ConnectionError(
                    `${where} accepts connections and closes them: LinkMesh's gRPC behind it does not answer`,
                    LOOK_AT_LINKMESH,
                    error.code,
                );
            // nginx refuses HTTP/2 with this alert at a site that does not offer it.
            case "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL":
                throw new ConnectionError(
                    `${where} does not speak HTTP/2 at ${host}: the name leads to a web site instead of LinkMesh's gRPC`,
                    passThrough(target),
                    error.code,
                );
            default:
                throw error;
        }
    }
}

/** The certificate of the HTTPS port, for comparison. If there is none, the check https reports it. */
async function publicCertificate(target: ResolvedTarget): Promise<X509Certificate | undefined> {
    try {
        const { socket, certificate } = await connectTls(target, target.httpsPort, ["http/1.1"]);
        socket.destroy();
        return certificate;
    } catch (error) {
        if (error instanceof ConnectionError) return undefined;
        throw error;
    }
}

function isPublic(certificate: X509Certificate, trusted: boolean, proxy: X509Certificate | undefined): boolean {
    return trusted || (proxy !== undefined && certificate.issuer === proxy.issuer);
}

/**
 * What the server does with a client without a certificate. In TLS 1.3 the client's handshake is complete before the
 * server looks for its certificate, so the refusal arrives as an alert afterwards. Nothing is sent meanwhile: data that
 * the server does not read would turn its alert into a reset.
 */
async function afterHandshake(socket: TLSSocket): Promise<Afterwards> {
    const signal = AbortSignal.timeout(FIRST_BYTES_MS);
    try {
        if (socket.errored || socket.destroyed) return "refused";
        return await Promise.race([
            once(socket, "data", { signal }).then(() => "admitted" as const),
            once(socket, "close", { signal }).then(() => "refused" as const),
        ]);
    } catch {
        return signal.aborted ? "silent" : "refused";
    } finally {
        socket.destroy();
    }
}

function judgeNames(certificate: X509Certificate, host: string): Verdict | undefined {
    if (certificate.checkHost(host, { subject: "never" }) !== undefined) return undefined;
    return fail(
        `LinkMesh's gRPC certificate names ${names(certificate).join(", ") || "nothing"}, not ${host}`,
        certInit(host),
    );
}

function judgeMutual(afterwards: Afterwards, port: number): Verdict | undefined {
    if (afterwards === "refused") return undefined;
    const what =
        afterwards === "admitted" ? "accepts clients without a certificate" : "does not ask for a client certificate";
    return fail(`port ${port} ${what}`, NOT_GRPC);
}

function passThrough({ grpc, httpsPort }: ResolvedTarget): string {
    return grpc.port === httpsPort ? GRPC_NAME_TERMINATED : GRPC_TERMINATED;
}
