import { distance } from "fastest-levenshtein";
import { join } from "node:path";
import { Reconciler } from "../cloud/reconciler.ts";
import { ensurePulumi } from "../engine/ensure-pulumi.ts";
import { findPulumi } from "../engine/find-pulumi.ts";
import { type Overrides, applySets, configuration, readOverrides, writeOverrides } from "../engine/config.ts";
import { LabStack } from "../engine/stack.ts";
import { readProject } from "../engine/workspace.ts";
import { type Lab, LabError, type Progress } from "../lab.ts";
import { findLab } from "../slots.ts";
import { labConfiguration } from "./defaults.ts";
import type { LabPackage } from "./package.ts";

/** How many similar names an error shows. */
const NEAR_NAMES = 3;

/** The engine with the lab's providers behind it. */
export interface Session {
    stack: LabStack;
    close(): Promise<void>;
}

/** Opens the lab's stack and, if needed, builds the Pulumi CLI. The caller must call `close`. */
export async function openSession(lab: Lab, progress: Progress): Promise<Session> {
    const { command } = await ensurePulumi(lab.cacheDir, progress);
    return attach(lab, command);
}

/** Like {@link openSession}, but returns undefined if there is no Pulumi CLI. */
export async function openSessionIfPossible(lab: Lab): Promise<Session | undefined> {
    const cli = await findPulumi(lab.cacheDir);
    return cli && attach(lab, cli.command);
}

async function attach(lab: Lab, command: string): Promise<Session> {
    // Loaded here, so that commands that only read start fast.
    const [{ startProviders }, { deployer }, { linkRealPlugins, standInPackages }] = await Promise.all([
        import("../providers/index.ts"),
        import("../providers/aws/rights/deployer.ts"),
        import("./plugins.ts"),
    ]);
    const providers = await startProviders({
        lab,
        reconciler: new Reconciler(lab),
        packages: standInPackages(),
        caller: deployer(),
    });
    // With the caller's providers in Pulumi's variable, such as a component package.
    const debugProviders = [providers.debugProviders, process.env.PULUMI_DEBUG_PROVIDERS].filter(Boolean).join(",");
    const stack = new LabStack(lab, { command, debugProviders });
    linkRealPlugins(stack.workspace.home);
    return { stack, close: () => providers.stop() };
}

/** The stack's outputs that are not secret. Empty if there is no stack. */
export function readOutputs(lab: Lab): Record<string, unknown> {
    return new LabStack(lab, { command: "" }).outputs();
}

export interface SettingsPlan {
    overrides: Overrides;
    /** Saves them for later runs. Only the first call has an effect. */
    save: (lab: Lab) => void;
    readonly saved: boolean;
}

/** The saved `--set` settings of this checkout's lab with new arguments. @throws LabError for a wrong argument */
export function planSettings(sets: readonly string[]): SettingsPlan {
    const lab = findLab();
    const { project, schema } = readProject();
    const overrides = applySets(lab ? readOverrides(overridesFile(lab)) : {}, sets, project, schema);
    let saved = false;
    return {
        overrides,
        save: (target) => {
            if (!saved) writeOverrides(overridesFile(target), overrides);
            saved = true;
        },
        get saved() {
            return saved;
        },
    };
}

/**
 * The URNs of the resources with these names in this checkout's stack. The CLI itself reads patterns.
 * @throws LabError for an unknown name
 */
export function planReplacement(names: readonly string[], lab = findLab()): string[] {
    const known = lab ? new LabStack(lab, { command: "" }).urns() : new Map<string, string[]>();
    return names.flatMap((name) => {
        if (name.includes("*")) return name;
        const urns = known.get(name);
        if (urns) return urns;
        const near = [...known.keys()].sort((a, b) => distance(name, a) - distance(name, b)).slice(0, NEAR_NAMES);
        const hint = near.length > 0 ? `the nearest names are ${near.join(", ")}` : "it has no resources yet";
        throw new LabError(`--replace ${name}: the stack has no such resource, ${hint}`);
    });
}

/** Writes the stack's configuration: the lab's values and the overrides. Returns a function that undoes it. */
export function configureStack(
    lab: Lab,
    stack: LabStack,
    pkg: LabPackage,
    overrides: Overrides,
    file?: string,
): () => void {
    const { project, schema } = stack.workspace;
    const own = labConfiguration(lab, project, pkg);
    if (Number(overrides[`${project}:nodes`]) > 1) {
        // The load balancer has a certificate of Certificate Manager's, so the program refuses the settings of another authority.
        for (const key of ["acmeEmail", "acmeDirectory", "acmeCaBundle"]) delete own[`${project}:${key}`];
    }
    if (`${project}:linkmeshAptSource` in overrides) {
        // The program accepts only one source for the package.
        delete own[`${project}:linkmeshDebUrl`];
        delete own[`${project}:linkmeshDebSha256`];
    }
    return stack.configure(configuration(own, overrides, project, schema), file);
}

/** File with the `--set` settings by full key. It contains the user's secrets. */
export function overridesFile(lab: Lab): string {
    return join(lab.dir, "set.json");
}
