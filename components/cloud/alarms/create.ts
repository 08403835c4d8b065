import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../../host/host.ts";
import type { Settings } from "../../settings/settings.ts";
import type { Lookups } from "../lookups/lookups.ts";
import { Alarms, type WatchedMachine } from "./alarms.ts";
import { outsideChecks } from "./outside.ts";

interface Watched {
    settings: Settings;
    lookups: Lookups;
    owner: string;
    /** Undefined when paused. */
    host: Host | undefined;
    tags: Readonly<Record<string, string>>;
}

/** The alarms of a stack; undefined if the setting is empty. */
export function createAlarms(
    name: string,
    { settings, lookups, owner, host, tags }: Watched,
    opts: pulumi.ComponentResourceOptions,
): Alarms | undefined {
    if (settings.alarms.length === 0 || lookups.region === undefined) return undefined;
    const { checks, unchecked } = outsideChecks(settings, lookups.ipv6);
    for (const sentence of unchecked) void pulumi.log.warn(sentence);
    const machine: WatchedMachine | undefined = host && {
        instanceId: host.machine.id,
        addresses: { ipv4: host.ipv4, ipv6: host.ipv6 },
        ready: host.ready,
    };
    const { alarms: receivers, domain } = settings;
    const { region, recoverable } = lookups;
    return new Alarms(name, { receivers, region, domain, owner, outside: checks, recoverable, machine, tags }, opts);
}
