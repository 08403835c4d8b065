import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A machine to log in to. Only its own host key is accepted. */
export interface Hop {
    host: string;
    user: string;
    hostKey: string;
    /** The private key to log in with. Default: ssh's own agent, files and configuration. */
    key?: string;
}

/**
 * Writes keys and an ssh configuration into a directory of its own.
 * @returns the arguments of ssh up to and including the destination
 */
export function writeSshConfig(directory: string, machine: Hop, bastion?: Hop): string[] {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const hops = bastion ? [machine, bastion] : [machine];
    const lines = [
        ...(bastion ? [`Host ${machine.host}`, `    ProxyJump ${jump(bastion)}`] : []),
        ...hops.flatMap((hop, index) => block(directory, `${index}`, hop)),
        // The first value of an option counts, so this only adds. With a key for each hop, the user's own has no effect.
        ...(hops.every(({ key }) => key !== undefined) ? [] : ["Host *", "    Include ~/.ssh/config"]),
    ];
    const config = join(directory, "config");
    writeFileSync(config, `${lines.join("\n")}\n`, { mode: 0o600 });
    return ["-F", config, machine.host];
}

function block(directory: string, name: string, { host, user, hostKey, key }: Hop): string[] {
    const knownHosts = join(directory, `${name}.known_hosts`);
    writeFileSync(knownHosts, `${host} ${hostKey.trim()}\n`, { mode: 0o600 });
    const options = [
        `User ${user}`,
        ...(key === undefined ? [] : [`IdentityFile "${writeKey(directory, name, key)}"`, "IdentitiesOnly yes"]),
        `UserKnownHostsFile "${knownHosts}"`,
        "GlobalKnownHostsFile /dev/null",
        "StrictHostKeyChecking yes",
        "ConnectTimeout 10",
        "LogLevel ERROR",
    ];
    return [`Host ${host}`, ...options.map((option) => `    ${option}`)];
}

function writeKey(directory: string, name: string, key: string): string {
    const file = join(directory, `${name}.key`);
    writeFileSync(file, `${key.trimEnd()}\n`, { mode: 0o600 });
    return file;
}

/** As ProxyJump wants it. The bastion's own block has the rest. */
function jump({ host, user }: Hop): string {
    return `${user}@${host.includes(":") ? `[${host}]` : host}`;
}
