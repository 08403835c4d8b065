import { request, type RequestOptions } from "node:https";
import { connect } from "node:tls";

const TIMEOUT_MS = 1000;
const GRPC_PORT = 50051;

/** How each endpoint is asked whether LinkMesh answers there. */
export type Probe = (address: string, host: string) => Promise<boolean>;

/** Each on a connection of its own, as of a client that has lost the one before. Never rejects. */
export const PROBES: Readonly<Record<string, Probe>> = {
    https: async (address, host) => (await status(address, host, {})) === 200,
    // 401 is LinkMesh's word: the session would be there with a token.
    OpAMP: async (address, host) => {
        const answer = await status(address, host, {
            path: "/v1/opamp",
            headers: {
                Connection: "Upgrade",
                Upgrade: "websocket",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "bGlua21lc2gtcHJveHktMQ==",
            },
        });
        return answer === 101 || answer === 401;
    },
    // The handshake is LinkMesh's: nginx passes it through.
    gRPC: (address, host) =>
        new Promise((resolve) => {
            const socket = connect({
                ...{ host: address, port: GRPC_PORT, servername: host, ALPNProtocols: ["h2"] },
                ...{ rejectUnauthorized: false, timeout: TIMEOUT_MS },
            });
            const end = (answer: boolean) => {
                socket.destroy();
                resolve(answer);
            };
            socket.once("secureConnect", () => end(true));
            socket.once("error", () => end(false));
            socket.once("timeout", () => end(false));
        }),
};

/** The status of an answer, or undefined if there is none within a second. */
function status(address: string, host: string, options: RequestOptions): Promise<number | undefined> {
    return new Promise((resolve) => {
        const { headers, ...rest } = options;
        const call = request({
            ...{ host: address, port: 443, servername: host, agent: false, rejectUnauthorized: false },
            ...rest,
            headers: { Host: host, ...headers },
            signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        const end = (code?: number) => {
            resolve(code);
            call.destroy();
        };
        call.once("response", (response) => end(response.statusCode));
        call.once("upgrade", (response) => end(response.statusCode));
        call.on("error", () => end());
        call.end();
    });
}
