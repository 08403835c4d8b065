import * as pulumi from "@pulumi/pulumi";

/** The provider's message in one line, without the prefixes of the engine and the bridge. */
export function providerMessage(error: unknown): string {
    const text = error instanceof Error ? error.message : String(error);
    return text
        .replace(/^[\s\S]*errors? occurred:\s*\* /, "")
        .replace(/^.*?(Invoke of '[^']*' failed|invocation of \S+ returned an error): /, "")
        .replace(/\s+/g, " ")
        .trim()
        .replace(/\.$/, "");
}

/** The result of a lookup. @throws RunError if it fails, with what failed, why, and the right that it needs */
export function lookedUp<T>(failure: string, right: string, asked: Promise<T>): Promise<T> {
    return asked.catch((error: unknown) => {
        throw new pulumi.RunError(`${failure}: ${providerMessage(error)}. The lookup needs the right ${right}.`);
    });
}
