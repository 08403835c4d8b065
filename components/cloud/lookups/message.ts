/** What the provider said, in one line and without the preambles of the engine and the bridge. */
export function message(error: unknown): string {
    const text = error instanceof Error ? error.message : String(error);
    return text
        .replace(/^[\s\S]*errors? occurred:\s*\* /, "")
        .replace(/^.*?(Invoke of '[^']*' failed|invocation of \S+ returned an error): /, "")
        .replace(/\s+/g, " ")
        .trim()
        .replace(/\.$/, "");
}
