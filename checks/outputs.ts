import { z } from "zod";
import type { Checks } from "../components/checks.ts";
import { UsageError } from "./usage-error.ts";

/** As the CLI prints a secret without --show-secrets. */
const HIDDEN = "[secret]";

/** Goes into ssh's configuration as one word, or one line. */
const word = z.string().regex(/^[^\s"]+$/);
const hop = z.object({ host: word, user: word, hostKey: z.string().regex(/^\S+ [^\n]+$/) });
const login = hop.extend({ generatedKey: z.boolean(), bastion: hop.optional() });

/** Properties of a later version are ignored. */
const CHECKS: z.ZodType<Checks> = z.object({
    host: z.string(),
    uiHost: z.string().optional(),
    ipv4: z.string(),
    ipv6: z.string().optional(),
    tier: z.object({ ipv4: z.array(z.string()), ipv6: z.array(z.string()), nodes: z.array(login) }).optional(),
    grpc: z.object({ host: z.string(), port: z.number() }).optional(),
    http: z.boolean(),
    ownCertificate: z.boolean(),
    acmeDirectory: z.string().optional(),
    ca: z.string().optional(),
    ssh: login,
    paused: z.boolean(),
    dailySnapshots: z.number().optional(),
});

/** A proxy of the stack. */
export interface Found {
    /** Where the output is, as ["checks"] or ["blue", "checks"]. */
    path: string[];
    checks: Checks;
    /** The generated login key beside it; undefined if there is none. */
    privateKey?: string;
    /** The key is there, but hidden. */
    hiddenKey: boolean;
}

/**
 * Finds the output `checks` of each proxy in text, under any name, at the top level or one level down.
 * @param text as `pulumi stack output --json` prints it
 * @param source what the text is, for errors
 * @throws UsageError if there is none
 */
export function findChecks(text: string, source: string): Found[] {
    const outputs = parse(text);
    if (!outputs) {
        throw new UsageError(`${source} is not what \`pulumi stack output --json\` prints: make it again.`);
    }
    if (Object.keys(outputs).length === 0) {
        throw new UsageError(
            `${source} holds no outputs: the stack has not been created, or its first update failed. Run \`pulumi up\`, and mend what its error says.`,
        );
    }
    const found = checksIn(outputs);
    if (found.length > 0) return found;
    if (Object.values(outputs).includes(HIDDEN) && outputs.publicUrl === undefined) {
        throw new UsageError(
            `${source} shows no output \`checks\`, but secret ones. Export \`checks\` by itself, so that it is not secret.`,
        );
    }
    throw new UsageError(
        `${source} holds no output \`checks\`. Export \`checks\` of your LinkMesh or LinkMeshProxy, and run \`pulumi up\` with this version.`,
    );
}

/** The output `checks` of each proxy, at the top level first. */
export function checksIn(outputs: Record<string, unknown>): Found[] {
    const inside = Object.entries(outputs).flatMap(([name, value]) => (isObject(value) ? within(value, [name]) : []));
    return [...within(outputs, []), ...inside];
}

function within(outputs: Record<string, unknown>, path: string[]): Found[] {
    return Object.entries(outputs).flatMap(([name, value]) => {
        const { data: checks } = CHECKS.safeParse(value);
        if (!checks) return [];
        const key = checks.ssh.generatedKey ? outputs.sshPrivateKey : undefined;
        const hiddenKey = key === HIDDEN;
        const privateKey = typeof key === "string" && !hiddenKey ? key : undefined;
        return { path: [...path, name], checks, privateKey, hiddenKey };
    });
}

function parse(text: string): Record<string, unknown> | undefined {
    try {
        const outputs: unknown = JSON.parse(text);
        return isObject(outputs) ? outputs : undefined;
    } catch {
        return undefined;
    }
}

function isObject(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
