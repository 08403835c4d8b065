import type { Verdict } from "../checks/types.ts";
import type { Facts } from "./facts.ts";

export const TOPICS = [
    "setup",
    "files",
    "units",
    "packages",
    "listeners",
    "mounts",
    "kernel",
    "disks",
    "memory",
    "clock",
    "sessions",
    "certificate",
    "renewal",
    "orders",
    "snapshot",
    "updates",
    "restart",
] as const;
export type Topic = (typeof TOPICS)[number];

/** What the doctor says about a topic. */
export interface Finding extends Verdict {
    name: Topic;
}

/** When the facts were asked for and were all there, in seconds since 1970 by the operator's clock. */
export interface Asked {
    began: number;
    ended: number;
}

/** Judges a topic: what is wrong, worst or first to mend at the top, or one verdict that says what is well. Pure. */
export type Judge = (facts: Facts, asked: Asked) => Verdict[];

/**
 * Runs all steps again, and no command of the user's own program. It replaces none of the steps' parents, so the machine
 * stays.
 */
export const MEND = "pulumi up --replace '**linkmesh-proxy:index:LinkMeshProxy$command:remote:Command::**'";

/** The verdicts, or the one that all is well. */
export function orOk(wrong: Verdict[], well: Verdict): Verdict[] {
    return wrong.length > 0 ? wrong : [well];
}
