/** A port on all addresses, in the format of `ss`. */
export function allAddresses({ ipv6 }: { readonly ipv6: boolean }, port: number): string[] {
    return [`0.0.0.0:${port}`, ...(ipv6 ? [`[::]:${port}`] : [])];
}

/** A `listen` line for each address. nginx's default is all IPv4 addresses, so 0.0.0.0 is left out. */
export function listenLines(listeners: readonly string[], indent: string, options: string): string {
    return listeners.map((listener) => `${indent}listen ${listener.replace("0.0.0.0:", "")}${options};`).join("\n");
}
