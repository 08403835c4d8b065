import type { NginxArgs } from "./args.ts";

/** A port on all addresses, in the format of `ss`. */
export function allAddresses({ ipv6 }: { readonly ipv6: boolean }, port: number): string[] {
    return [`0.0.0.0:${port}`, ...(ipv6 ? [`[::]:${port}`] : [])];
}

/** A `listen` line for each address. nginx's default is all IPv4 addresses, so 0.0.0.0 is left out. */
export function listenLines(listeners: readonly string[], indent: string, options: string): string {
    return listeners.map((listener) => `${indent}listen ${listener.replace("0.0.0.0:", "")}${options};`).join("\n");
}

/**
 * The `listen` lines of a public port. Behind a load balancer, a connection begins with a PROXY header, unless it comes over
 * loopback: the machine asks itself without one.
 * @param socketOptions not for loopback, which shares the socket
 */
export function listenPublicly(
    args: Pick<NginxArgs, "ipv6" | "balancer">,
    port: number,
    indent: string,
    options = "",
    socketOptions = "",
): string {
    const all = allAddresses(args, port);
    if (!args.balancer) return listenLines(all, indent, options + socketOptions);
    const loopback = [`127.0.0.1:${port}`, ...(args.ipv6 ? [`[::1]:${port}`] : [])];
    return [
        listenLines(all, indent, `${options} proxy_protocol${socketOptions}`),
        listenLines(loopback, indent, options),
    ].join("\n");
}
