import type { Change } from "./changes.ts";

/** What a resource belongs to. */
export interface Place {
    /** Name of the LinkMeshProxy. */
    readonly proxy: string;
    /** As "node-2", if the resource belongs to one of several nodes. */
    readonly node?: string;
}

/** How a LinkMeshProxy names what it has besides steps. */
const NAMED = /^(.*?)-(?:(node-\d+)-|machine-|security-|nodes-security-|lb-|certificate-)/;

/** Where a step, machine, node, load balancer, certificate or firewall rule belongs; undefined for all else. */
export function placeOf({ name, step }: Pick<Change, "name" | "step">): Place | undefined {
    const found =
        step === undefined ? NAMED.exec(name) : /^(.*?)(?:-(node-\d+))?$/.exec(name.slice(0, -`-${step}`.length));
    return found ? { proxy: found[1]!, node: found[2] } : undefined;
}

/** The names of the proxies that are concerned. */
export function proxiesIn(changes: readonly Change[]): string[] {
    return [...new Set(changes.flatMap((change) => placeOf(change)?.proxy ?? []))];
}

/** "node-2" before "node-10". The engine names what it does at the same time in any order. */
export const byName = (a: Pick<Change, "name">, b: Pick<Change, "name">) =>
    a.name.localeCompare(b.name, "en", { numeric: true });

export const INSTANCE = "aws:ec2/instance:Instance";

/** One of several nodes, itself. */
export function isNode(change: Change): boolean {
    return change.type === INSTANCE && placeOf(change)?.node !== undefined;
}

/** Nodes are numbered from 1, so whatever happens to the first happens where there was none, or to the last that there is. */
export function isFirstNode(change: Change): boolean {
    return change.type === INSTANCE && placeOf(change)?.node === "node-1";
}

/** The only machine, itself. */
export function isMachine(change: Change): boolean {
    return change.type === INSTANCE && !isNode(change);
}
