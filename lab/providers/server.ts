import grpc from "@grpc/grpc-js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import providerService from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import { LabError } from "../lab.ts";
import { EngineLog } from "./engine-log.ts";
import {
    type CheckFailure,
    type MaybePromise,
    type OperationRequest,
    type Outputs,
    ProviderError,
    type ResourceProvider,
} from "./provider.ts";
import { decode, encode } from "./property-values.ts";

export interface ServeOptions {
    /** The version that the provider reports, as "7.48.0". */
    version: string;
    /** Address of the engine, for a provider that the engine starts. An attached provider gets it by `attach`. */
    engineAddress?: string;
}

export interface ProviderServer {
    readonly port: number;
    stop(): void;
}

/** Serves a provider on 127.0.0.1, on a port that the kernel chooses. */
export async function serve(provider: ResourceProvider, options: ServeOptions): Promise<ProviderServer> {
    // Files pushed through stdin exceed the default of 4 MB.
    const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
    const session = new Session(options.engineAddress);
    server.addService(providerService.ResourceProviderService, handlers(provider, options.version, session));
    const port = await new Promise<number>((resolve, reject) => {
        server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
            error ? reject(error) : resolve(bound),
        );
    });
    return {
        port,
        stop() {
            session.end();
            server.forceShutdown();
        },
    };
}

/** The engine that currently uses this provider. */
class Session {
    #log: EngineLog | undefined;
    #abort = new AbortController();

    constructor(engineAddress: string | undefined) {
        if (engineAddress) this.attach(engineAddress);
    }

    /** Starts with a new AbortController, because the engine also cancels at the end of every ordinary operation. */
    attach(engineAddress: string): void {
        this.#log?.close();
        this.#log = new EngineLog(engineAddress);
        this.#abort = new AbortController();
    }

    cancel(): void {
        this.#abort.abort();
    }

    end(): void {
        this.cancel();
        this.#log?.close();
    }

    operation(request: Message & { getTimeout(): number }): OperationRequest {
        const log = this.#log;
        const urn = request.getUrn();
        return {
            ...resource(request),
            timeoutSeconds: request.getTimeout() || undefined,
            signal: this.#abort.signal,
            log: (severity, message, { ephemeral = false } = {}) => log?.send(urn, severity, message, ephemeral),
        };
    }

    async flush(): Promise<void> {
        await this.#log?.flush();
    }
}

interface Message {
    getUrn(): string;
    getName(): string;
    getType(): string;
}

/** Name and type from the URN if the request lacks them, as in older engines. */
function resource(request: Message): { urn: string; type: string; name: string } {
    const urn = request.getUrn();
    const parts = urn.split("::");
    return {
        urn,
        type: request.getType() || (parts[2]?.split("$").at(-1) ?? ""),
        name: request.getName() || parts.slice(3).join("::"),
    };
}

/** Wraps a function as a gRPC handler. */
type Unary = <Request>(handle: (request: Request) => MaybePromise<object>) => grpc.handleUnaryCall<Request, object>;

function handlers(provider: ResourceProvider, version: string, session: Session): grpc.UntypedServiceImplementation {
    const unary: Unary = (handle) => async (call, callback) => {
        let response: object;
        try {
            response = await handle(call.request);
        } catch (error) {
            await session.flush();
            callback({ code: grpc.status.UNKNOWN, details: describe(error, provider.name) });
            return;
        }
        await session.flush();
        callback(null, response);
    };
    return {
        ...sessionHandlers(unary, version, session),
        ...configurationHandlers(unary, provider),
        ...comparisonHandlers(unary, provider),
        ...operationHandlers(unary, provider, session),
        ...functionHandlers(unary, provider),
    };
}

function sessionHandlers(unary: Unary, version: string, session: Session): grpc.UntypedServiceImplementation {
    return {
        getPluginInfo: unary(() => {
            const info = new plugin.PluginInfo();
            info.setVersion(version);
            return info;
        }),
        attach: unary((request: plugin.PluginAttach) => {
            session.attach(request.getAddress());
            return new empty.Empty();
        }),
        cancel: unary(() => {
            session.cancel();
            return new empty.Empty();
        }),
    };
}

function configurationHandlers(unary: Unary, provider: ResourceProvider): grpc.UntypedServiceImplementation {
    return {
        checkConfig: unary((request: pb.CheckRequest) => {
            const news = decode(request.getNews());
            const response = new pb.CheckResponse();
            response.setInputs(request.getNews());
            response.setFailuresList((provider.checkConfig?.(news.values) ?? []).map((failure) => failed(failure)));
            return response;
        }),
        configure: unary((request: pb.ConfigureRequest) => {
            provider.configure?.(decode(request.getArgs()).values);
            const response = new pb.ConfigureResponse();
            response.setAcceptsecrets(true);
            response.setSupportspreview(true);
            return response;
        }),
    };
}

function comparisonHandlers(unary: Unary, provider: ResourceProvider): grpc.UntypedServiceImplementation {
    return {
        check: unary(async (request: pb.CheckRequest) => {
            const news = decode(request.getNews());
            const { inputs, failures } = await provider.check({
                ...resource(request),
                olds: decode(request.getOlds()),
                news,
                seed: request.getRandomseed_asU8(),
            });
            const response = new pb.CheckResponse();
            response.setInputs(encode(inputs.values, inputs.secrets));
            response.setFailuresList(failures.map((failure) => failed(failure, news.secrets)));
            return response;
        }),
        diff: unary(async (request: pb.DiffRequest) => {
            const { changed, replaces } = await provider.diff({
                ...resource(request),
                id: request.getId(),
                oldInputs: decode(request.getOldInputs()).values,
                oldState: decode(request.getOlds()).values,
                news: decode(request.getNews()).values,
                ignoreChanges: request.getIgnorechangesList(),
            });
            const response = new pb.DiffResponse();
            response.setChanges(
                changed.length ? pb.DiffResponse.DiffChanges.DIFF_SOME : pb.DiffResponse.DiffChanges.DIFF_NONE,
            );
            response.setDiffsList(changed);
            response.setReplacesList(replaces);
            return response;
        }),
    };
}

function operationHandlers(
    unary: Unary,
    provider: ResourceProvider,
    session: Session,
): grpc.UntypedServiceImplementation {
    return {
        create: unary(async (request: pb.CreateRequest) => {
            const inputs = decode(request.getProperties());
            const result = await provider.create({
                ...session.operation(request),
                inputs,
                preview: request.getPreview(),
            });
            const response = new pb.CreateResponse();
            response.setId(result.id);
            response.setProperties(outputs(result, inputs.secrets));
            return response;
        }),
        update: unary(async (request: pb.UpdateRequest) => {
            const news = decode(request.getNews());
            const result = await provider.update({
                ...session.operation(request),
                id: request.getId(),
                oldInputs: decode(request.getOldInputs()).values,
                oldState: decode(request.getOlds()).values,
                news,
                preview: request.getPreview(),
            });
            const response = new pb.UpdateResponse();
            response.setProperties(outputs(result, news.secrets));
            return response;
        }),
        read: unary(async (request: pb.ReadRequest) => {
            const inputs = decode(request.getInputs());
            const state = decode(request.getProperties());
            const result = await provider.read({ ...session.operation(request), id: request.getId(), inputs, state });
            const response = new pb.ReadResponse();
            if (result) {
                response.setId(result.id);
                response.setProperties(outputs(result, new Set([...inputs.secrets, ...state.secrets])));
                response.setInputs(encode(result.inputs, inputs.secrets));
            }
            return response;
        }),
        delete: unary(async (request: pb.DeleteRequest) => {
            const state = decode(request.getProperties()).values;
            await provider.delete({ ...session.operation(request), id: request.getId(), state });
            return new empty.Empty();
        }),
    };
}

function functionHandlers(unary: Unary, provider: ResourceProvider): grpc.UntypedServiceImplementation {
    return {
        invoke: unary(async (request: pb.InvokeRequest) => {
            const args = decode(request.getArgs());
            const { result, failures } = await provider.invoke({ token: request.getTok(), args });
            const response = new pb.InvokeResponse();
            if (result) response.setReturn(encode(result));
            response.setFailuresList((failures ?? []).map((failure) => failed(failure, args.secrets)));
            return response;
        }),
    };
}

function outputs(result: Outputs, inherited: ReadonlySet<string>) {
    return encode(result.outputs, new Set([...inherited, ...(result.secrets ?? [])]));
}

/** Leaves the name of a secret property out of the field, because the engine prints that property's value. */
function failed(failure: CheckFailure, secrets: ReadonlySet<string> = new Set()): pb.CheckFailure {
    const secret = secrets.has(failure.property.split(/[.[]/, 1)[0] ?? "");
    const message = new pb.CheckFailure();
    message.setProperty(secret ? "" : failure.property);
    message.setReason(secret ? `${failure.property}: ${failure.reason}` : failure.reason);
    return message;
}

function describe(error: unknown, provider: string): string {
    if (error instanceof ProviderError || error instanceof LabError) return error.message;
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `unexpected error in the lab's ${provider} provider: ${detail}`;
}
