import { type CheckFailure, ProviderError } from "../provider.ts";
import { type Value, type Values, isMap, isUnknown } from "../property-values.ts";

/** How to connect to a host, with the defaults filled in. */
export interface Connection {
    host: string;
    port: number;
    user: string;
    privateKey?: string;
    privateKeyPassword?: string;
    password?: string;
    agentSocketPath?: string;
    /** The only accepted host key, in the form of authorized_keys. If absent, any key is accepted. */
    hostKey?: string;
    /** How many failed attempts are retried; -1 for no limit. */
    dialErrorLimit: number;
    /** Seconds for a TCP connection, except one from a bastion; 0 for no limit. */
    perDialTimeout: number;
    /** The bastion in front of the host. */
    proxy?: Connection;
}

export const CONNECTION: Record<string, "string" | "number" | "object"> = {
    host: "string",
    port: "number",
    user: "string",
    privateKey: "string",
    privateKeyPassword: "string",
    password: "string",
    agentSocketPath: "string",
    hostKey: "string",
    dialErrorLimit: "number",
    perDialTimeout: "number",
    proxy: "object",
};

/** What is wrong with a connection. Failures name properties and never values, because some values are keys. */
export function checkConnection(value: Value | undefined, path = "connection"): CheckFailure[] {
    if (value === undefined) return [{ property: path, reason: `missing required property "${path}"` }];
    if (isUnknown(value)) return [];
    if (!isMap(value)) return [{ property: path, reason: "expected an object" }];
    const failures: CheckFailure[] = [];
    for (const [name, item] of Object.entries(value)) {
        const property = `${path}.${name}`;
        const type = CONNECTION[name];
        if (!type || (name === "proxy" && path !== "connection"))
            failures.push({ property, reason: "unknown property" });
        else if (type === "object") failures.push(...checkConnection(item, property));
        else if (item !== null && !isUnknown(item) && typeof item !== type)
            failures.push({ property, reason: `expected a ${type}` });
    }
    if (value.host === undefined)
        failures.push({ property: `${path}.host`, reason: `missing required property "${path}.host"` });
    return failures;
}

/** Reads a connection that `check` has accepted. */
export function toConnection(value: Value | undefined): Connection {
    if (!isMap(value)) throw new ProviderError("the connection is not known yet");
    const { proxy, ...rest } = withoutNulls(value);
    return {
        port: 22,
        user: "root",
        dialErrorLimit: 10,
        perDialTimeout: 15,
        // From the user's shell. The provider dials it even if there is a key.
        agentSocketPath: process.env.SSH_AUTH_SOCK || undefined,
        ...(rest as unknown as Pick<Connection, "host">),
        ...(proxy === undefined ? {} : { proxy: toConnection(proxy) }),
    };
}

function withoutNulls(value: Values): Values {
    return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null));
}
