import { pathToFileURL } from "node:url";
import type { CloudReconciler } from "../cloud/store.ts";
import { type Lab, labAt } from "../lab.ts";
import { type Package, makeProvider } from "./packages.ts";
import { serve } from "./server.ts";

/** Settings that an executable of writePlugins passes as JSON in its first argument. */
export interface PluginSettings {
    package: Package;
    version: string;
    slot: number;
    labRoot: string;
    labCache: string;
    /** Path of lab/cloud/reconciler.ts, which is loaded at the first change. Previews do not need it. */
    reconciler: string;
    /** The module that can load TypeScript: tsx's "esm/api". */
    tsx: string;
}

const PARENT_POLL_MS = 500;

/** Serves one stand-in as a plugin process. Prints the port on stdout and ends with the engine that started it. */
async function main(settings: PluginSettings, args: string[]): Promise<void> {
    // A killed engine does not end its plugins. Read first, to notice an engine that is killed during the start.
    const parent = process.ppid;
    process.env.LINKMESH_LAB_ROOT = settings.labRoot;
    process.env.LINKMESH_LAB_CACHE = settings.labCache;
    const engineAddress = args.findLast((argument) => !argument.startsWith("-"));
    const lab = labAt(settings.slot);
    const provider = makeProvider(settings.package, lab, new LateReconciler(lab, settings));
    const server = await serve(provider, { version: settings.version, engineAddress });
    process.stdout.write(`${server.port}\n`);

    const end = () => {
        server.stop();
        process.exit(0);
    };
    setInterval(() => process.ppid === parent || end(), PARENT_POLL_MS).unref();
    // The engine sends SIGINT and kills the plugin five seconds later.
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end);
}

class LateReconciler implements CloudReconciler {
    readonly #lab: Lab;
    readonly #settings: PluginSettings;
    #loaded: Promise<CloudReconciler> | undefined;

    constructor(lab: Lab, settings: PluginSettings) {
        this.#lab = lab;
        this.#settings = settings;
    }

    async apply(state: Parameters<CloudReconciler["apply"]>[0]): Promise<void> {
        this.#loaded ??= this.#load();
        await (await this.#loaded).apply(state);
    }

    async #load(): Promise<CloudReconciler> {
        const { tsImport } = (await import(pathToFileURL(this.#settings.tsx).href)) as {
            tsImport: (file: string, parent: string) => Promise<unknown>;
        };
        const url = pathToFileURL(this.#settings.reconciler).href;
        const { Reconciler } = (await tsImport(url, url)) as { Reconciler: new (lab: Lab) => CloudReconciler };
        return new Reconciler(this.#lab);
    }
}

void main(JSON.parse(process.argv[2]!) as PluginSettings, process.argv.slice(3));
