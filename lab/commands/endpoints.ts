import { readFileSync } from "node:fs";
import { type CheckResult, runChecks, type Target } from "../../checks/index.ts";
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
    /** URL of port 80, if it is open. A stack without certificateSource is older than this output and has it open. */
    httpUrl?: string;
    certificateSource?: "acme" | "own";
    ipv4: string;
    ipv6?: string;
    sshCommand: string;
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

/** What to check according to the outputs: endpoints that answer, and ports that do not. */
export function targetOf(outputs: LabOutputs): Target {
    const [grpcHost, grpcPort] = outputs.grpcEndpoint?.split(":") ?? [];
    const beforeHttpUrl = outputs.certificateSource === undefined;
    return {
        host: hostOf(outputs),
        uiHost: outputs.uiUrl ? new URL(outputs.uiUrl).hostname : undefined,
        ipv4: outputs.ipv4,
        ipv6: outputs.ipv6 ?? false,
        grpc: grpcHost ? { host: grpcHost, port: Number(grpcPort) } : false,
        httpPort: outputs.httpUrl || beforeHttpUrl ? 80 : false,
        ownCertificate: outputs.certificateSource === "own",
    };
}

/**
 * Checks the three public endpoints over both families, as a client on the internet. With `ssh`, also the machine.
 * `retryForMs`: how long to retry a failing check.
 */
export function checkEndpoints(
    lab: Lab,
    outputs: LabOutputs,
    options: { ssh?: string[]; retryForMs?: number; onResult?: (result: CheckResult) => void } = {},
): Promise<CheckResult[]> {
    const target = {
        ...targetOf(outputs),
        ca: readFileSync(clientCaFile(lab), "utf8"),
        dns: [lab.net.dns],
        ssh: options.ssh,
    };
    return runChecks(target, options);
}

/** The line that `check` prints for a result. */
export function resultLine({ name, family, detail }: CheckResult): string {
    return `${name.padEnd(12)}${(family ?? "").padEnd(6)}${detail}`;
}
