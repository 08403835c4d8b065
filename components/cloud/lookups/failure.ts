import * as pulumi from "@pulumi/pulumi";

/** What the provider said, in one line and without the preambles of the engine and the bridge. */
export function providerMessage(error: unknown): string {
    const text = error instanceof Error ? error.message : String(error);
    return text
        .replace(/^[\s\S]*errors? occurred:\s*\* /, "")
        .replace(/^.*?(Invoke of '[^']*' failed|invocation of \S+ returned an error): /, "")
        .replace(/\s+/g, " ")
        .trim()
        .replace(/\.$/, "");
}

/** The answer to a look-up. @throws RunError when there is none: what failed, why, and the right that it takes */
export function lookedUp<T>(failure: string, right: string, asked: Promise<T>): Promise<T> {
    return asked.catch((error: unknown) => {
        throw new pulumi.RunError(`${failure}: ${providerMessage(error)}. The lookup needs the right ${right}.`);
    });
}
