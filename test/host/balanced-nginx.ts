import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { dirname, join } from "node:path";
import tls from "node:tls";
import { afterAll, beforeAll } from "vitest";
import { renderNginx } from "../../components/host/render/nginx/config.ts";
import { authorities, cleanupsAfterEach, HOST } from "./checks-site.ts";
import { startEchoBackend, type EchoBackend } from "./echo-backend.ts";
import { freePort } from "./free-port.ts";
import { nginxArgs, NginxServer } from "./nginx-server.ts";

/** Addresses of loopback in place of the load balancer's networks, and of somebody else in the same network. */
export const BALANCER = "127.0.0.5";
export const STRANGER = "127.0.0.9";
export const CLIENT4 = "198.51.100.7";
export const CLIENT6 = "2001:db8:7::9";

/** Where a connection to nginx comes from, and what it begins with. */
export interface Connection {
    /** Default: the load balancer. */
    from?: string;
    header?: Buffer;
}

export interface Asked extends Connection {
    port?: number;
    host?: string;
    /** In the handshake; empty for none. */
    sni?: string;
}

/** nginx behind a load balancer that ends the clients' TLS and sends a PROXY header. The nodes of the tier are such machines. */
export class BalancedNginx {
    server!: NginxServer;
    /** What the program health answers as a status, by path. */
    readonly health: Record<string, number> = { "/": 200, "/serves": 200 };
    private backend?: EchoBackend;
    /** In LinkMesh's place on the port of gRPC: sends back what it gets. */
    private readonly echo = net.createServer((socket) => socket.on("error", () => undefined).pipe(socket));
    private readonly healthProgram = http.createServer(({ url }, response) => {
        const status = this.health[url!.split("?")[0]!]!;
        response.writeHead(status).end(status === 200 ? "well" : "not well");
    });
    private readonly sockets = cleanupsAfterEach();

    /** Runs while the tests of a file do. Each client may have two sessions. */
    static forThisFile(): BalancedNginx {
        const nginx = new BalancedNginx();
        beforeAll(() => nginx.start());
        afterAll(() => nginx.stop());
        return nginx;
    }

    /** A connection to nginx that begins with the header. It is closed after the test. */
    async connect(port: number, { from = BALANCER, header }: Connection): Promise<net.Socket> {
        const v6 = net.isIPv6(from);
        const socket = net.connect({ port, host: v6 ? "::1" : "127.0.0.1", localAddress: from });
        this.sockets.push(() => socket.destroy());
        await once(socket, "connect");
        if (header) socket.write(header);
        return socket;
    }

    /** A request as the load balancer passes it on. It does not check the certificate. */
    async ask(path: string, { port = this.server.ports.https, host = HOST, sni = "", ...connection }: Asked) {
        const socket = await this.connect(port, connection);
        const secure = [this.server.ports.https, this.server.ownPorts.https].includes(port);
        const through = secure ? tls.connect({ socket, servername: sni, rejectUnauthorized: false }) : socket;
        const request = http.get({ createConnection: () => through, path, headers: { host } });
        const [response] = (await once(request, "response")) as [http.IncomingMessage];
        let body = "";
        for await (const chunk of response) body += String(chunk);
        return { status: response.statusCode!, headers: response.headers, body };
    }

    /** The lines of a log so far. */
    logged(name: string): string[] {
        return readFileSync(join(this.server.directory, "log", name), "utf8")
            .split("\n")
            .filter(Boolean);
    }

    private async start(): Promise<void> {
        const { publicPair } = await authorities();
        this.backend = await startEchoBackend();
        const grpc = await freePort();
        await new Promise<void>((resolve) => this.echo.listen(grpc, "127.0.0.1", resolve));
        const config = renderNginx({
            ...nginxArgs(HOST, 1_000),
            balancer: [`${BALANCER}/32`, "::1/128"],
            sessionsPerAddress: 2,
        });
        const upstream = { http: this.backend.port, grpc };
        this.server = await NginxServer.start({ config, domain: HOST, certificate: publicPair, upstream });
        const socket = join(this.server.directory, "linkmesh-proxy/health.sock");
        mkdirSync(dirname(socket));
        await new Promise<void>((resolve) => this.healthProgram.listen(socket, resolve));
        chmodSync(socket, 0o666);
    }

    private async stop(): Promise<void> {
        // Not there if the start failed.
        await (this.server as NginxServer | undefined)?.stop();
        await this.backend?.stop();
        this.healthProgram.close();
        this.echo.close();
    }
}

/** "closed" if the connection ends before one arrives. */
export function firstByte(socket: net.Socket): Promise<string> {
    return new Promise((resolve) => {
        socket.once("data", (data) => resolve(String(data)[0]!));
        socket.on("error", () => undefined).once("close", () => resolve("closed"));
    });
}
