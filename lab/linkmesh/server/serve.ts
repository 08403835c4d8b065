import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import type { Server as HttpServer } from "node:http";
import { dirname, join } from "node:path";
import type { Server as GrpcServer } from "@grpc/grpc-js";
import { createHttpServer } from "./api.ts";
import { Authority } from "./authority.ts";
import { Collectors } from "./collectors.ts";
import type { Config } from "./config.ts";
import type { ConfigStore } from "./config-store.ts";
import type { Database } from "./database.ts";
import { EXIT, Failure, systemReason } from "./failure.ts";
import { trustedProxies } from "./forwarded.ts";
import { serveGrpc } from "./grpc.ts";
import { log } from "./log.ts";
import { serveWebSockets } from "./opamp.ts";
import { certificateStore, ensureServerCertificate } from "./server-certificate.ts";
import type { Server } from "./server.ts";
import { VERSION } from "./version.ts";

/** How long sessions have to end by themselves. The whole stop takes less than 2 s. */
const STOP_MS = 1000;

/** File with the token of the service account for tests. Only root and the service can read it. */
export function serviceTokenFile(boltPath: string): string {
    return join(dirname(boltPath), "service-token");
}

/** Runs the server until SIGTERM or SIGINT. Resolves when it listens. @throws {Failure} if it cannot start */
export async function serve(
    config: Config,
    database: Database,
    configStore: ConfigStore,
    secret: string,
): Promise<void> {
    const authority = await Authority.open(database, secret);
    const server: Server = {
        config,
        trusted: trustedProxies(config.trustedProxies),
        authority,
        collectors: new Collectors(database, authority, secret),
        configStore,
        sessions: { opamp: 0, agent: 0, grpc: 0 },
    };
    prepareDirectory(config, server.collectors.serviceToken);
    const certificate = await ensureServerCertificate(certificateStore(config, database, secret), authority);

    const grpcServer = await serveGrpc(server, certificate);
    const httpServer = createHttpServer(server);
    const webSockets = serveWebSockets(server, httpServer);
    await listen(httpServer, config.httpPort);

    const stop = () =>
        void stopAll(httpServer, grpcServer, webSockets)
            .then(() => database.close())
            .finally(() => process.exit(0));
    process.once("SIGTERM", stop);
    process.once("SIGINT", stop);
    log.info(
        `linkmesh-server ${VERSION} (STAND-IN, not LinkMesh): HTTP on port ${config.httpPort}, gRPC on port ${config.grpcPort}`,
    );
    log.info(
        `database ${database.name}, ${(await server.collectors.list()).length} collectors, internal CA ${authority.fingerprint}`,
    );
}

function prepareDirectory({ boltPath }: Config, serviceToken: string): void {
    const directory = dirname(boltPath);
    try {
        mkdirSync(directory, { recursive: true, mode: 0o750 });
        writeFileSync(serviceTokenFile(boltPath), `${serviceToken}\n`, { mode: 0o600 });
        chmodSync(serviceTokenFile(boltPath), 0o600);
    } catch (error) {
        throw new Failure(`cannot write in the data directory ${directory}: ${systemReason(error)}`);
    }
}

function listen(httpServer: HttpServer, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
        httpServer.once("error", (error) =>
            reject(
                new Failure(`cannot listen on port ${port} for HTTP (http.port): ${systemReason(error)}`, EXIT.failure),
            ),
        );
        httpServer.listen({ port, backlog: 4096 }, resolve);
    });
}

async function stopAll(httpServer: HttpServer, grpcServer: GrpcServer, webSockets: { stop(): void }): Promise<void> {
    log.info("stopping");
    webSockets.stop();
    httpServer.closeIdleConnections();
    const ended = Promise.all([
        new Promise<void>((resolve) => httpServer.close(() => resolve())),
        new Promise<void>((resolve) => grpcServer.tryShutdown(() => resolve())),
    ]);
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, STOP_MS))]);
    httpServer.closeAllConnections();
    grpcServer.forceShutdown();
}
