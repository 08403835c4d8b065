import { CONFIG, runProgram, type Registered } from "./program.ts";
import { TIER } from "./tier-settings.ts";

// The program with several nodes, as its tests look at it.

export type Program = Awaited<ReturnType<typeof runProgram>>;

export const run = (settings: Record<string, string> = {}, options: Parameters<typeof runProgram>[1] = {}) =>
    runProgram({ ...CONFIG, ...TIER, ...settings }, options);
export const ofType = ({ registered }: Pick<Program, "registered">, type: string) =>
    registered.filter((one) => one.type === type);
/** The SDK registers resources in the order in which their inputs are known. */
export const byPort = (all: readonly Registered[]) =>
    all.map(({ inputs }) => inputs).sort((a, b) => (a.port as number) - (b.port as number));
export const names = (all: readonly Registered[]) => all.map(({ name }) => name);
export const steps = (program: Pick<Program, "registered">, node: number) =>
    ofType(program, "command:remote:Command").filter(({ name }) => name.startsWith(`linkmesh-node-${node}-`));

/** The URN by which the SDK names a dependency. */
export function dependency({ registered }: Program, name: string): string {
    const urns = registered.flatMap(({ dependsOn }) => dependsOn);
    return urns.find((urn) => urn.endsWith(`::${name}`)) ?? `nothing depends on ${name}`;
}

/** The names of what a resource depends on. */
export const dependencies = ({ dependsOn }: Registered) => dependsOn.map((urn) => urn.split("::").at(-1)!);
