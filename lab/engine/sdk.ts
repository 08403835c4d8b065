import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/**
 * Leaves out what the Pulumi SDK does for its own debugging: a call of the engine for each debug message, one after the
 * other (the messages are dropped in the end, because they can hold decrypted secrets), and a stack trace with source
 * maps for each promise and each resource. Errors keep theirs, and promises that never settle are still found.
 */
export function quietenSdk(): void {
    const log = require("@pulumi/pulumi/log") as { debug: () => Promise<void> };
    log.debug = () => Promise.resolve();

    const { Resource } = require("@pulumi/pulumi/resource.js") as { Resource: { stackTrace: () => unknown[] } };
    Resource.stackTrace = () => [];

    const { getStore } = require("@pulumi/pulumi/runtime/state.js") as {
        getStore: () => { leakCandidates: Set<Promise<unknown>> };
    };
    const debuggable = require("@pulumi/pulumi/runtime/debuggable.js") as {
        debuggablePromise: (promise: Promise<unknown>, context: unknown) => Promise<unknown>;
    };
    debuggable.debuggablePromise = async (promise, context) => {
        const { leakCandidates } = getStore();
        // The context names the promise in the message about one that never settles.
        leakCandidates.add(Object.assign(promise, { _debugCtx: context }));
        try {
            return await promise;
        } finally {
            leakCandidates.delete(promise);
        }
    };
}

/**
 * Lets Node read and write the texts of protocol buffers, which google-protobuf does character by character: the steps'
 * scripts go through it seven times in a preview.
 */
export function speedUpTexts(): void {
    const { BinaryReader, BinaryWriter } = require("google-protobuf") as typeof import("google-protobuf");
    BinaryReader.prototype.readString = function () {
        const bytes = this.readBytes();
        return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
    };
    // The generated code passes what is not set as well.
    BinaryWriter.prototype.writeString = function (field: number, text?: string | null) {
        if (text !== undefined && text !== null) this.writeBytes(field, Buffer.from(text));
    };
}
