import type { Properties, Values } from "./property-values.ts";

/** One resource provider without gRPC: server.ts turns gRPC calls into these. Every method may throw. */
export interface ResourceProvider {
    /** Package name, as "aws". */
    readonly name: string;
    /** What is wrong with the provider's configuration. */
    checkConfig?(config: Values): CheckFailure[];
    configure?(config: Values): void;
    /** Validates inputs and returns them with defaults. Values may be unknown. */
    check(request: CheckRequest): MaybePromise<CheckResult>;
    /** Compares new inputs with the old inputs. */
    diff(request: DiffRequest): MaybePromise<DiffResult>;
    /** Must change nothing in a preview. There, outputs that are not certain are unknown. */
    create(request: CreateRequest): MaybePromise<CreateResult>;
    update(request: UpdateRequest): MaybePromise<Outputs>;
    /** Undefined if the resource is gone. */
    read(request: ReadRequest): MaybePromise<ReadResult | undefined>;
    delete(request: DeleteRequest): MaybePromise<void>;
    invoke(request: InvokeRequest): MaybePromise<InvokeResult>;
}

export type MaybePromise<T> = T | Promise<T>;

/** Fields of every request about a resource. */
export interface ResourceRequest {
    urn: string;
    /** Type token, as "aws:ec2/vpc:Vpc". */
    type: string;
    /** Logical name of the resource. */
    name: string;
}

/** Further fields of a request that may take long. */
export interface OperationRequest extends ResourceRequest {
    /** The resource's customTimeouts in seconds; undefined if there are none. */
    timeoutSeconds?: number;
    /** Aborted when the engine cancels the operation. */
    signal: AbortSignal;
    /** Shows a line beside the resource. The next line replaces an ephemeral one. */
    log(severity: LogSeverity, message: string, options?: { ephemeral?: boolean }): void;
}

export type LogSeverity = "debug" | "info" | "warning" | "error";

export interface CheckRequest extends ResourceRequest {
    /** Inputs of the last run; empty if the resource is new. */
    olds: Properties;
    news: Properties;
    /** Makes generated names repeatable between preview and update. */
    seed: Uint8Array;
}

export interface CheckFailure {
    /** Path of the property, as "rootBlockDevice.volumeSize"; "" for the whole resource. */
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
    /** Inputs and outputs together, from the last create, update or read. */
    oldState: Values;
    news: Values;
    ignoreChanges: string[];
}

export interface DiffResult {
    /** Names of top-level properties. */
    changed: string[];
    /** The changed properties that force a replacement. */
    replaces: string[];
}

export interface CreateRequest extends OperationRequest {
    inputs: Properties;
    preview: boolean;
}

/** Outputs include the inputs. A property that is secret as an input is also secret as an output. */
export interface Outputs {
    outputs: Values;
    /** Outputs that are secret although no input is. */
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

/** An error that the engine shows unchanged. Any other error counts as a bug and is shown with its stack. */
export class ProviderError extends Error {
    override name = "ProviderError";
}
