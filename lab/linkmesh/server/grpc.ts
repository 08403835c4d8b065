import {
    Server as GrpcServer,
    ServerCredentials,
    status,
    type handleBidiStreamingCall,
    type handleUnaryCall,
    type ServerUnaryCall,
    type ServerDuplexStream,
} from "@grpc/grpc-js";
import type { KeyPair } from "./authority.ts";
import type { Collector } from "./collectors.ts";
import { EXIT, Failure } from "./failure.ts";
import { AGENT_SERVICE, type Registration } from "./grpc-service.ts";
import type { Server } from "./server.ts";
import { VERSION } from "./version.ts";

type Call = ServerUnaryCall<unknown, unknown> | ServerDuplexStream<unknown, unknown>;

/** The collector of the call's client certificate. It has to be enrolled; a certificate from the CA is not enough. */
async function caller({ collectors }: Server, call: Call): Promise<Collector> {
    const id = String(call.getAuthContext()?.sslPeerCertificate?.subject.CN);
    const collector = await collectors.get(id);
    if (!collector) throw Object.assign(new Error(`${id} is not enrolled here`), { code: status.PERMISSION_DENIED });
    return collector;
}

function handlers(server: Server) {
    const register: handleUnaryCall<unknown, Registration> = (call, callback) => {
        caller(server, call).then(
            ({ id }) => callback(null, { collectorId: id, serverVersion: VERSION, peer: call.getPeer() }),
            (error: Error) => callback(error),
        );
    };
    const ping: handleUnaryCall<Buffer, Buffer> = (call, callback) => callback(null, call.request);
    const channel: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
        caller(server, call).then(
            (collector) => openChannel(call, collector),
            // The library turns this event into the call's status. After destroy() the client would keep waiting.
            (error: Error) => call.emit("error", error),
        );
    };
    function openChannel(call: ServerDuplexStream<Buffer, Buffer>, collector: Collector): void {
        if (call.cancelled) return;
        const closeSession = server.collectors.openSession(collector);
        server.sessions.grpc++;
        let isOpen = true;
        const close = () => {
            if (!isOpen) return;
            isOpen = false;
            server.sessions.grpc--;
            closeSession();
        };
        call.on("data", (message: Buffer) => call.write(message));
        call.on("end", () => {
            close();
            call.end();
        });
        call.on("cancelled", close);
        call.on("error", close);
    }
    return { register, ping, channel };
}

function bind(server: GrpcServer, address: string, credentials: ServerCredentials): Promise<Error | null> {
    return new Promise((resolve) => server.bindAsync(address, credentials, (error) => resolve(error)));
}

/** Listens on every interface, only with mTLS. @throws {Failure} if the port is taken */
export async function serveGrpc(server: Server, certificate: KeyPair): Promise<GrpcServer> {
    const { caCertificate } = server.authority;
    const port = server.config.grpcPort;
    const credentials = ServerCredentials.createSsl(
        Buffer.from(caCertificate),
        [
            {
                private_key: Buffer.from(certificate.privateKey),
                cert_chain: Buffer.from(certificate.certificate + caCertificate),
            },
        ],
        true,
    );
    const grpcServer = new GrpcServer({ "grpc.max_receive_message_length": 64 * 1024 * 1024 });
    grpcServer.addService(AGENT_SERVICE, handlers(server));
    let error = await bind(grpcServer, `[::]:${port}`, credentials);
    if (error?.message.includes("EAFNOSUPPORT")) error = await bind(grpcServer, `0.0.0.0:${port}`, credentials);
    if (error) {
        const reason = error.message.includes("EADDRINUSE") ? "another program already listens there" : error.message;
        throw new Failure(`cannot listen on port ${port} for gRPC (grpc.port): ${reason}`, EXIT.failure);
    }
    return grpcServer;
}
