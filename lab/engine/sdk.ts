import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/**
 * Leaves out what the Pulumi SDK does for its own debugging, which took half of its time in a preview without change:
 * a call of the engine for each debug message, one after the other (the messages are dropped in the end, because they
 * can hold decrypted secrets); a stack trace with source maps for each promise and each resource. Errors keep theirs.
 */
export function quietenSdk(): void {
    const log = require("@pulumi/pulumi/log") as { debug: () => Promise<void> };
    log.debug = () => Promise.resolve();

    const { Resource } = require("@pulumi/pulumi/resource.js") as { Resource: { stackTrace: () => unknown[] } };
    Resource.stackTrace = () => [];

    type Wrap = (promise: Promise<unknown>, context: unknown) => Promise<unknown>;
    const debuggable = require("@pulumi/pulumi/runtime/debuggable.js") as { debuggablePromise: Wrap };
    const wrap = debuggable.debuggablePromise;
    debuggable.debuggablePromise = (promise, context) => {
        const { stackTraceLimit } = Error;
        Error.stackTraceLimit = 0;
        try {
            return wrap(promise, context);
        } finally {
            Error.stackTraceLimit = stackTraceLimit;
        }
    };
}
