/** A port on all addresses, as `ss` writes it. */
export function allAddresses({ ipv6 }: { readonly ipv6: boolean }, port: number): string[] {
    return [`0.0.0.0:${port}`, ...(ipv6 ? [`[::]:${port}`] : [])];
}

/** nginx's line for each listener, with its options; all IPv4 addresses are the default and not written out. */
export function listenLines(listeners: readonly string[], indent: string, options: string): string {
    return listeners.map((listener) => `${indent}listen ${listener.replace("0.0.0.0:", "")}${options};`).join("\n");
}
