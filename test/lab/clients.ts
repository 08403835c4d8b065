import { Agent as HttpsAgent, request } from "node:https";
import { isIPv6 } from "node:net";
import type { ConnectionOptions } from "node:tls";
import WebSocket from "ws";
import { connectAgent } from "../../lab/linkmesh/client.ts";
import type { Status } from "./lab.ts";

export interface Answer {
    status: number;
    headers: Record<string, string | string[] | undefined>;
    body: string;
}

/** Real clients that dial an address of the lab but use its public hostname. */
export class Clients {
    private readonly agent: HttpsAgent;

    constructor(
        private readonly lab: Status & { ca: string },
        private readonly address = lab.outputs.ipv4,
    ) {
        this.agent = new HttpsAgent({ ca: lab.ca, servername: lab.host });
    }

    http(
        path: string,
        options: { method?: string; headers?: Record<string, string>; body?: string; localAddress?: string } = {},
    ): Promise<Answer> {
        return new Promise((resolve, reject) => {
            const { method = "GET", headers = {}, body, localAddress } = options;
            const call = request(
                {
                    host: this.address,
                    port: 443,
                    path,
                    method,
                    // A connection that is kept has its address already.
                    agent: localAddress === undefined ? this.agent : false,
                    ca: this.lab.ca,
                    servername: this.lab.host,
                    localAddress,
                    headers: { Host: this.lab.host, ...headers },
                    timeout: 60_000,
                },
                (response) => {
                    let text = "";
                    response.setEncoding("utf8");
                    response.on("data", (chunk: string) => (text += chunk));
                    response.on("end", () =>
                        resolve({ status: response.statusCode!, headers: response.headers, body: text }),
                    );
                },
            );
            call.on("timeout", () => call.destroy(new Error(`no answer for ${path}`)));
            call.on("error", reject);
            call.end(body);
        });
    }

    /** The client as LinkMesh sees it, with headers that it may have forged. */
    async whoami(token: string, headers: Record<string, string> = {}): Promise<Record<string, unknown>> {
        const answer = await this.http("/api/v1/whoami", { headers: { Authorization: `Bearer ${token}`, ...headers } });
        return JSON.parse(answer.body) as Record<string, unknown>;
    }

    /** An OpAMP session; rejects with the status that refused the handshake, as "401", and its Retry-After if it has one. */
    opamp(token?: string): Promise<WebSocket> {
        const host = isIPv6(this.address) ? `[${this.address}]` : this.address;
        const options: WebSocket.ClientOptions & ConnectionOptions = {
            ca: this.lab.ca,
            servername: this.lab.host,
            // As opamp-go's.
            handshakeTimeout: 45_000,
            headers: { Host: this.lab.host, ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) },
        };
        const socket = new WebSocket(`wss://${host}/v1/opamp`, options);
        return new Promise((resolve, reject) => {
            socket.on("open", () => resolve(socket));
            socket.on("unexpected-response", (_, { statusCode, headers }) => {
                reject(Object.assign(new Error(String(statusCode)), { retryAfter: headers["retry-after"] }));
                socket.terminate();
            });
            socket.on("error", reject);
        });
    }

    /** Enrols a collector as linkmesh-agent does, through the public https name, and connects to the gRPC port. */
    async enrolledAgent(serviceToken: string) {
        const authorized = { Authorization: `Bearer ${serviceToken}` };
        const minted = await this.http("/api/v1/enrollment-tokens", {
            method: "POST",
            headers: authorized,
            body: "{}",
        });
        const { token } = JSON.parse(minted.body) as { token: string };
        const answer = await this.http("/api/v1/bootstrap", {
            method: "POST",
            body: JSON.stringify({ token, hostname: "web-1" }),
        });
        const bootstrap = JSON.parse(answer.body) as {
            caCertificate: string;
            certificate: string;
            privateKey: string;
            grpcEndpoint: string;
        };
        return { bootstrap, agent: this.agentWith(bootstrap) };
    }

    agentWith(options: { caCertificate: string; certificate?: string; privateKey?: string }) {
        const [servername, port] = this.lab.outputs.grpcEndpoint!.split(":") as [string, string];
        return connectAgent({ host: this.address, port: Number(port), servername, ...options });
    }
}

/** Sends a message and waits for the next one that comes. */
export function exchange(socket: WebSocket, message: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
        const closed = (code: number) => reject(new Error(`closed with ${code}`));
        socket.once("message", (data: Buffer) => {
            socket.off("close", closed);
            resolve(data);
        });
        socket.once("close", closed);
        // ws drops a message for an ended session silently, without a callback.
        socket.send(message, (error) => error && reject(error));
    });
}
