import type { ServiceDefinition } from "@grpc/grpc-js";

/** The server's answer to an agent's registration. */
export interface Registration {
    collectorId: string;
    serverVersion: string;
    /** Address of the gRPC peer. Behind a TCP pass-through it is the proxy. */
    peer: string;
}

const bytes = (value: Buffer): Buffer => value;
const toJson = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const fromJson = <T>(value: Buffer): T => JSON.parse(value.toString("utf8")) as T;

const PREFIX = "/linkmesh.standin.v1.Agent/";

/** The stand-in's own service, because LinkMesh's protocol is not public. */
export const AGENT_SERVICE = {
    /** {} in, {@link Registration} out. */
    register: {
        path: `${PREFIX}Register`,
        requestStream: false,
        responseStream: false,
        requestSerialize: toJson,
        requestDeserialize: fromJson<Record<string, never>>,
        responseSerialize: toJson,
        responseDeserialize: fromJson<Registration>,
    },
    /** Returns the bytes. */
    ping: {
        path: `${PREFIX}Ping`,
        requestStream: false,
        responseStream: false,
        requestSerialize: bytes,
        requestDeserialize: bytes,
        responseSerialize: bytes,
        responseDeserialize: bytes,
    },
    /** Returns each message until the client ends the stream. */
    channel: {
        path: `${PREFIX}Channel`,
        requestStream: true,
        responseStream: true,
        requestSerialize: bytes,
        requestDeserialize: bytes,
        responseSerialize: bytes,
        responseDeserialize: bytes,
    },
} satisfies ServiceDefinition;
