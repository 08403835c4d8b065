import { readFileSync } from "node:fs";
import { Clients } from "../clients.ts";
import { labOk, sets, status } from "../lab.ts";
import type { StorageSettings } from "../../../lab/storage/settings.ts";
import { Fleet } from "./fleet.ts";
import { onNode } from "./nodes.ts";

/** What the issue of the tier asks for. */
const FLEET = { sessions: 1000, streams: 20 };

/** Starts MongoDB and a Git remote of the user's own. */
export async function storage(): Promise<StorageSettings> {
    return JSON.parse((await labOk("storage", "--json")).stdout) as StorageSettings;
}

/** Arguments of `up` for several machines that use the storage. */
export function severalWith(found: StorageSettings, nodes: number): string[] {
    return sets({
        nodes: String(nodes),
        // The lab's load balancer sends nothing more as soon as two checks have failed.
        drainSeconds: "30",
        linkmeshConfig: found.linkmeshConfig,
        linkmeshEnvironment: `@${found.severalEnvironmentFile}`,
        linkmeshFiles: `@${found.linkmeshFilesFile}`,
    });
}

/** A change of LinkMesh's configuration that restarts it. */
export function metrics(found: StorageSettings, enabled: boolean): string[] {
    const config = JSON.parse(found.linkmeshConfig) as object;
    return sets({ linkmeshConfig: JSON.stringify({ ...config, metrics: { enabled } }) });
}

export function environmentOf(file: string): Record<string, string> {
    return JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
}

/** All addresses of the load balancer. */
export function addressesOf({ outputs }: Awaited<ReturnType<typeof status>>): string[] {
    return [...(outputs.ipv4Addresses ?? []), ...(outputs.ipv6Addresses ?? [])];
}

/** Clients at work on all addresses. */
export async function startFleet(): Promise<Fleet> {
    const found = await status();
    const clients = addressesOf(found).map((address) => new Clients(found, address));
    const fleet = new Fleet(clients, await onNode("node-1", "linkmesh-server token"));
    await fleet.start(FLEET);
    return fleet;
}
