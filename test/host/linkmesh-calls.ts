import { X509Certificate } from "node:crypto";
import { request } from "node:http";
import { connect as tlsConnect } from "node:tls";
import { expect } from "vitest";
import type { AgentOptions } from "../../lab/linkmesh/client.ts";
import type { Installation } from "./linkmesh-harness.ts";

/** What /api/v1/bootstrap answers. */
export interface Bootstrap {
    collectorId: string;
    caCertificate: string;
    certificate: string;
    privateKey: string;
    otlpToken: string;
    grpcEndpoint: string;
    opampUrl: string;
}

/** A new enrollment token. */
export async function mint(installation: Installation, body?: object): Promise<string> {
    const response = await installation.fetch("/api/v1/enrollment-tokens", {
        method: "POST",
        token: await installation.serviceToken(),
        body: body && JSON.stringify(body),
    });
    expect(response.status).toBe(201);
    return ((await response.json()) as { token: string }).token;
}

/** Asks for the credentials of a collector. */
export function redeem(installation: Installation, token: string): Promise<Response> {
    return installation.fetch("/api/v1/bootstrap", {
        method: "POST",
        body: JSON.stringify({ token, hostname: "web-1" }),
    });
}

/** Enrols a new collector. */
export async function enrol(installation: Installation): Promise<Bootstrap> {
    const response = await redeem(installation, await mint(installation));
    expect(response.status).toBe(200);
    return (await response.json()) as Bootstrap;
}

/** How the agent of an enrolled collector connects. */
export function agentOptions(installation: Installation, bootstrap: Bootstrap): AgentOptions {
    return { host: "127.0.0.1", port: installation.grpcPort, servername: "localhost", ...bootstrap };
}

/** The status of a WebSocket handshake: 101, or what it was refused with. */
export function handshake(
    installation: Installation,
    token?: string,
    method = "GET",
    path = "/v1/opamp",
): Promise<number> {
    return new Promise((resolve, reject) => {
        const headers: Record<string, string> = {
            Upgrade: "websocket",
            Connection: "Upgrade",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version": "13",
        };
        if (token) headers.Authorization = `Bearer ${token}`;
        const call = request({ host: "127.0.0.1", port: installation.httpPort, path, method, headers });
        call.on("response", (response) => {
            response.resume();
            resolve(response.statusCode!);
        });
        call.on("upgrade", (response, socket) => {
            socket.destroy();
            resolve(response.statusCode!);
        });
        call.on("error", reject);
        call.end();
    });
}

export function servedCertificate(port: number): Promise<X509Certificate> {
    return new Promise((resolve, reject) => {
        const socket = tlsConnect({ host: "127.0.0.1", port, rejectUnauthorized: false, maxVersion: "TLSv1.3" }, () => {
            resolve(socket.getPeerX509Certificate()!);
            socket.destroy();
        });
        socket.on("error", reject);
    });
}
