import { readFileSync } from "node:fs";
import { type CheckResult, type Target, runChecks } from "../../checks/index.ts";
import { checksIn } from "../../checks/outputs.ts";
import { targetOf } from "../../checks/stack.ts";
import type { Checks } from "../../components/checks.ts";
import { type Lab, LabError } from "../lab.ts";
import { clientCaFile } from "./client-ca.ts";

/** The stack's outputs that the lab uses. */
export interface LabOutputs {
    publicUrl: string;
    opampUrl: string;
    /** URL of the web UI, if it has its own name. */
    uiUrl?: string;
    /** Host and port. */
    grpcEndpoint?: string;
    certificateSource?: "acme" | "aws" | "own";
    ipv4: string;
    ipv6?: string;
}

/** Whether these are the outputs of a program that ran to its end. */
export function isUp(outputs: Record<string, unknown>): boolean {
    return typeof outputs.publicUrl === "string" && typeof outputs.ipv4 === "string";
}

/** The outputs of a stack that is up, or an error that says how to bring it up. */
export function requireOutputs(outputs: Record<string, unknown>): LabOutputs {
    if (!isUp(outputs)) throw new LabError("the lab is not up: `npm run lab -- up` finishes it");
    return outputs as unknown as LabOutputs;
}

export function hostOf(outputs: Pick<LabOutputs, "publicUrl">): string {
    return new URL(outputs.publicUrl).hostname;
}

/** The load balancer of several machines, if the stack has one. */
export function tierOf(outputs: object): Checks["tier"] {
    return checksIn({ ...outputs })[0]?.checks.tier;
}

/** What the stack's program says of its host. @throws LabError if it does not export it */
export function checksOf(outputs: object): Checks {
    const [found] = checksIn({ ...outputs });
    if (found) return found.checks;
    throw new LabError(
        "the stack has no output `checks`: `npm run lab -- up` adds it, if the program exports `checks` of its LinkMesh",
    );
}

/**
 * Checks the three public endpoints over both families, as a client on the internet. With `ssh` or `nodes`, also the
 * machine or machines.
 * `retryForMs`: how long to retry a failing check.
 */
export function checkEndpoints(
    lab: Lab,
    outputs: LabOutputs,
    options: Pick<Target, "ssh" | "nodes"> & { retryForMs?: number; onResult?: (result: CheckResult) => void } = {},
): Promise<CheckResult[]> {
    const target = {
        ...targetOf(checksOf(outputs)),
        ca: readFileSync(clientCaFile(lab), "utf8"),
        dns: [lab.net.dns],
        ssh: options.ssh,
        nodes: options.nodes,
    };
    return runChecks(target, options);
}

/** The line that `check` prints for a result. */
export function resultLine({ name, family, detail }: CheckResult): string {
    return `${name.padEnd(12)}${(family ?? "").padEnd(6)}${detail}`;
}
