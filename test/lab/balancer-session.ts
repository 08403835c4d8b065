import { type TLSSocket, connect } from "node:tls";

export const HOST = "linkmesh.example.test";

export interface Answer {
    machine: string;
    client: string;
    health: { client?: string; host?: string };
}

/** One session with the load balancer, which stays open. */
export class Session {
    readonly #socket: TLSSocket;

    private constructor(socket: TLSSocket) {
        this.#socket = socket;
        // The end is what counts, not its reason.
        socket.on("error", () => undefined);
    }

    static open(host: string, ca: string): Promise<Session> {
        return new Promise((resolve, reject) => {
            const socket = connect({ host, port: 443, servername: HOST, ca, ALPNProtocols: ["h2", "http/1.1"] });
            socket.once("secureConnect", () => resolve(new Session(socket)));
            socket.once("error", reject);
        });
    }

    get issuer(): string {
        return String(this.#socket.getPeerCertificate().issuer.CN);
    }

    get protocol(): string | false | null {
        return this.#socket.alpnProtocol;
    }

    /** Undefined if the session ends. */
    ask(): Promise<Answer | undefined> {
        if (this.#socket.destroyed) return Promise.resolve(undefined);
        return new Promise((resolve) => {
            const ended = () => resolve(undefined);
            this.#socket.once("close", ended);
            this.#socket.once("data", (data: Buffer) => {
                this.#socket.off("close", ended);
                resolve(JSON.parse(data.toString().split("\r\n\r\n")[1]!) as Answer);
            });
            this.#socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        });
    }

    close(): void {
        this.#socket.destroy();
    }
}
