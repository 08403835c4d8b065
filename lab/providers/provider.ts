import type { Properties, Values } from "./property-values.ts";

/** One resource provider, free of the wire: server.ts turns gRPC calls into these. Every method may throw. */
export interface ResourceProvider {
    /** Package name, as "aws". */
    readonly name: string;
    /** What is wrong with the provider's configuration. */
    checkConfig?(config: Values): CheckFailure[];
    configure?(config: Values): void;
    /** Validates inputs, and returns them with defaults filled in. Values may be unknown. */
    check(request: CheckRequest): MaybePromise<CheckResult>;
    /** Compares new inputs with the old inputs. */
    diff(request: DiffRequest): MaybePromise<DiffResult>;
    /** In a preview nothing may happen: the outputs are those that are certain, the others unknown. */
    create(request: CreateRequest): MaybePromise<CreateResult>;
    update(request: UpdateRequest): MaybePromise<Outputs>;
    /** Undefined when the resource does not exist any more. */
    read(request: ReadRequest): MaybePromise<ReadResult | undefined>;
    delete(request: DeleteRequest): MaybePromise<void>;
    invoke(request: InvokeRequest): MaybePromise<InvokeResult>;
}

/** Providers that have nothing to wait for answer at once. */
export type MaybePromise<T> = T | Promise<T>;

/** What every request about a resource carries. */
export interface ResourceRequest {
    urn: string;
    /** Type token, as "aws:ec2/vpc:Vpc". */
    type: string;
    /** Logical name of the resource. */
    name: string;
}

/** What a request that may take long carries besides. */
export interface OperationRequest extends ResourceRequest {
    /** customTimeouts of the resource in seconds; undefined when there are none. */
    timeoutSeconds?: number;
    /** Aborted when the engine cancels the operation. */
    signal: AbortSignal;
    /** Shows a line beside the resource. An ephemeral line gives way to the next one. */
    log(severity: LogSeverity, message: string, options?: { ephemeral?: boolean }): void;
}

export type LogSeverity = "debug" | "info" | "warning" | "error";

export interface CheckRequest extends ResourceRequest {
    /** Inputs of the last run; empty for a new resource. */
    olds: Properties;
    news: Properties;
    /** Makes generated names repeatable between preview and update. */
    seed: Uint8Array;
}

export interface CheckFailure {
    /** Path of the property, as "rootBlockDevice.volumeSize"; "" for the whole. */
    property: string;
    reason: string;
}

export interface CheckResult {
    inputs: Properties;
    failures: CheckFailure[];
}

export interface DiffRequest extends ResourceRequest {
    id: string;
    oldInputs: Values;
    /** Inputs and outputs together, as the last create, update or read returned them. */
    oldState: Values;
    news: Values;
    ignoreChanges: string[];
}

export interface DiffResult {
    /** Names of top-level properties. */
    changed: string[];
    /** Those of them that force a replacement. */
    replaces: string[];
}

export interface CreateRequest extends OperationRequest {
    inputs: Properties;
    preview: boolean;
}

/** Outputs hold the inputs as well. A property that is secret as input is secret as output without further ado. */
export interface Outputs {
    outputs: Values;
    /** Outputs that are secret by themselves. */
    secrets?: string[];
}

export interface CreateResult extends Outputs {
    /** "" in a preview. */
    id: string;
}

export interface UpdateRequest extends OperationRequest {
    id: string;
    oldInputs: Values;
    oldState: Values;
    news: Properties;
    preview: boolean;
}

export interface ReadRequest extends OperationRequest {
    id: string;
    inputs: Properties;
    state: Properties;
}

export interface ReadResult extends Outputs {
    id: string;
    inputs: Values;
}

export interface DeleteRequest extends OperationRequest {
    id: string;
    state: Values;
}

export interface InvokeRequest {
    /** Function token, as "aws:ec2/getAmi:getAmi". */
    token: string;
    args: Properties;
}

export interface InvokeResult {
    result?: Values;
    failures?: CheckFailure[];
}

/** A fault that the engine shows as it is. Any other error is taken for a bug and shown with its stack. */
export class ProviderError extends Error {
    override name = "ProviderError";
}
