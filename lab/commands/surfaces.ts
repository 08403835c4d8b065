import { existsSync, readFileSync } from "node:fs";
import { type CheckResult, runChecks } from "../../checks/index.ts";
import { type Lab, LabError } from "../lab.ts";
import { services } from "../services/services.ts";

/** The stack's outputs as far as the lab uses them. */
export interface LabOutputs {
    publicUrl: string;
    opampUrl: string;
    grpcEndpoint: string;
    ipv4: string;
    ipv6: string;
    sshCommand: string;
}

/** Whether these are the outputs of a program that ran to its end. */
export function isUp(outputs: Record<string, unknown>): boolean {
    return typeof outputs.publicUrl === "string" && typeof outputs.ipv4 === "string";
}

/** The outputs of a stack that is up, or an error that says how to get there. */
export function requireOutputs(outputs: Record<string, unknown>): LabOutputs {
    if (!isUp(outputs)) throw new LabError("the lab is not up: `npm run lab -- up` finishes it");
    return outputs as unknown as LabOutputs;
}

export function hostOf(outputs: Pick<LabOutputs, "publicUrl">): string {
    return new URL(outputs.publicUrl).hostname;
}

/**
 * Asks the three public surfaces over both families, as a client on the internet would; with `ssh`, the machine too.
 * `patience` in milliseconds.
 */
export function checkSurfaces(
    lab: Lab,
    outputs: LabOutputs,
    options: { ssh?: string[]; patience?: number; onResult?: (result: CheckResult) => void } = {},
): Promise<CheckResult[]> {
    const { publicCaFile } = services(lab);
    if (!existsSync(publicCaFile))
        throw new LabError(`${publicCaFile} is missing: \`npm run lab -- up\` starts the lab's services again`);
    const target = {
        host: hostOf(outputs),
        ipv4: outputs.ipv4,
        ipv6: outputs.ipv6,
        ca: readFileSync(publicCaFile, "utf8"),
        dns: [lab.net.dns],
        ssh: options.ssh,
    };
    return runChecks(target, options);
}

/** One line for a result, as `check` prints it. */
export function resultLine({ name, family, detail }: CheckResult): string {
    return `${name.padEnd(12)}${(family ?? "").padEnd(6)}${detail}`;
}
