import grpc from "@grpc/grpc-js";
import engineService from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";
import type { LogSeverity } from "./provider.ts";

const SEVERITY: Record<LogSeverity, engine.LogSeverity> = {
    debug: engine.LogSeverity.DEBUG,
    info: engine.LogSeverity.INFO,
    warning: engine.LogSeverity.WARNING,
    error: engine.LogSeverity.ERROR,
};

/** The engine's log. Lines are sent one after the other to keep their order. */
export class EngineLog {
    readonly #client: engineService.EngineClient;
    #last: Promise<void> = Promise.resolve();

    /** @param address of the engine, as "127.0.0.1:41001" */
    constructor(address: string) {
        this.#client = new engineService.EngineClient(address, grpc.credentials.createInsecure());
    }

    send(urn: string, severity: LogSeverity, message: string, ephemeral: boolean): void {
        const request = new engine.LogRequest();
        request.setUrn(urn);
        request.setSeverity(SEVERITY[severity]);
        request.setMessage(message);
        request.setEphemeral(ephemeral);
        // An error of the log must not fail the operation.
        this.#last = this.#last.then(() => new Promise((resolve) => this.#client.log(request, () => resolve())));
    }

    /** Resolves when all lines sent so far have arrived. */
    flush(): Promise<void> {
        return this.#last;
    }

    close(): void {
        this.#client.close();
    }
}
