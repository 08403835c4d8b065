import { ensurePrerequisites, requireMachine } from "../engine/prerequisites.ts";
import { LabError } from "../lab.ts";
import { startServices } from "../services/services.ts";
import { allocateLab, lockLab, requireLab } from "../slots.ts";
import { storageSettings, type StorageSettings } from "../storage/settings.ts";
import { addStorage, hasStorage, removeStorage } from "../storage/storage.ts";
import { Ui } from "../ui.ts";

export interface StorageOptions {
    remove?: boolean;
    json?: boolean;
}

/** Starts the user's own database and Git remote, and prints the settings with which LinkMesh uses them, or removes them. */
export async function storage(options: StorageOptions): Promise<void> {
    requireMachine();
    const ui = new Ui({ stream: options.json ? process.stderr : process.stdout });
    const lab = options.remove ? requireLab() : await allocateLab();
    const unlock = await lockLab(lab, "storage");
    try {
        if (options.remove) {
            if (!hasStorage(lab)) throw new LabError("the lab has no storage: `npm run lab -- storage` starts one");
            await ui.stage("storage removed, with its data", () => removeStorage(lab));
            return;
        }
        await ui.stage("prerequisites", (progress) => ensurePrerequisites((line) => ui.info(line), progress));
        await ui.stage("storage", async (progress) => {
            const isNew = !hasStorage(lab);
            await addStorage(lab, progress);
            try {
                await startServices(lab, progress);
            } catch (error) {
                // Otherwise each `up` would fail for a storage that nobody has.
                if (isNew) await removeStorage(lab);
                throw error;
            }
        });
        const settings = storageSettings(lab);
        if (options.json) console.log(JSON.stringify(settings, null, 2));
        else print(ui, settings);
    } finally {
        unlock();
    }
}

function print(ui: Ui, settings: StorageSettings): void {
    const lines = [
        "",
        "MongoDB's place has FerretDB on SQLite. It lacks transactions and atomic updates, and is no replica set.",
        "",
        "To use it, run:",
        "",
        ...upCommand(settings, settings.linkmeshEnvironmentFile),
        "",
        "Several machines need a server secret that they share, from the start on:",
        "",
        ...upCommand(settings, settings.severalEnvironmentFile, "nodes=2"),
    ];
    for (const line of lines) ui.info(line);
}

function upCommand(settings: StorageSettings, environmentFile: string, ...more: string[]): string[] {
    const sets = [
        ...more,
        `'linkmeshConfig=${settings.linkmeshConfig}'`,
        `linkmeshEnvironment=@${environmentFile}`,
        `linkmeshFiles=@${settings.linkmeshFilesFile}`,
    ];
    return ["   npm run lab -- up", ...sets.map((set) => `       --set ${set}`)].join(" \\\n").split("\n");
}
