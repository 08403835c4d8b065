import { Client, credentials, type ClientDuplexStream } from "@grpc/grpc-js";
import { AGENT_SERVICE, type Registration } from "./server/grpc-service.ts";

/** How an agent connects to the stand-in. All certificates and keys are PEM. */
export interface AgentOptions {
    /** Name or address to connect to, without brackets. */
    host: string;
    port: number;
    /** Name for SNI, which must be in the server's certificate. Default: `host`. */
    servername?: string;
    /** The internal CA from `/api/v1/bootstrap`. */
    caCertificate: string;
    /** Without both, the agent has no client certificate, and the server refuses it. */
    certificate?: string;
    privateKey?: string;
    /** Milliseconds for a connection and for each unary call. Default 60,000. */
    timeout?: number;
}

/** A linkmesh-agent for tests. Calls reject with grpc-js's ServiceError. */
export interface Agent {
    register(): Promise<Registration>;
    /** Returns the bytes that the server sent back. */
    ping(payload: Buffer): Promise<Buffer>;
    /** Opens a stream on which the server sends each message back. */
    channel(): AgentChannel;
    close(): void;
}

export interface AgentChannel {
    /** Sends a message and waits for the next one from the server. */
    exchange(message: Buffer): Promise<Buffer>;
    /** Ends the stream and waits until the server has ended it too. */
    end(): Promise<void>;
    /** For tests that handle events themselves. */
    readonly call: ClientDuplexStream<Buffer, Buffer>;
}

/** Connects at the first call. */
export function connectAgent(options: AgentOptions): Agent {
    const { host, port, servername = host, timeout = 60_000 } = options;
    const pem = (text: string | undefined) => (text === undefined ? null : Buffer.from(text));
    const client = new Client(
        `${host.includes(":") ? `[${host}]` : host}:${port}`,
        credentials.createSsl(pem(options.caCertificate), pem(options.privateKey), pem(options.certificate)),
        { "grpc.ssl_target_name_override": servername, "grpc.default_authority": servername, "grpc.enable_retries": 0 },
    );
    const deadline = () => ({ deadline: Date.now() + timeout });
    const { register, ping, channel } = AGENT_SERVICE;
    return {
        register: () =>
            new Promise((resolve, reject) => {
                client.makeUnaryRequest(
                    register.path,
                    register.requestSerialize,
                    register.responseDeserialize,
                    {},
                    deadline(),
                    (error, value) => (error ? reject(error) : resolve(value!)),
                );
            }),
        ping: (payload) =>
            new Promise((resolve, reject) => {
                client.makeUnaryRequest(
                    ping.path,
                    ping.requestSerialize,
                    ping.responseDeserialize,
                    payload,
                    deadline(),
                    (error, value) => (error ? reject(error) : resolve(value!)),
                );
            }),
        channel: () =>
            agentChannel(
                client.makeBidiStreamRequest(channel.path, channel.requestSerialize, channel.responseDeserialize),
            ),
        close: () => client.close(),
    };
}

function agentChannel(call: ClientDuplexStream<Buffer, Buffer>): AgentChannel {
    let failure: Error | undefined;
    call.on("error", (error) => (failure = error));
    const settled = <T>(register: (resolve: (value: T) => void) => void) =>
        new Promise<T>((resolve, reject) => {
            if (failure) return reject(failure);
            call.once("error", reject);
            register((value) => {
                call.off("error", reject);
                resolve(value);
            });
        });
    return {
        call,
        exchange: (message) =>
            settled((resolve) => {
                call.once("data", resolve);
                call.write(message);
            }),
        end: () =>
            settled<void>((resolve) => {
                call.once("end", resolve);
                call.resume();
                call.end();
            }),
    };
}
