import { type Bastion, findBastion, startBastion, stopBastion } from "../bastion.ts";
import { Reconciler } from "../cloud/reconciler.ts";
import { CloudStore } from "../cloud/store.ts";
import { requireMachine } from "../engine/prerequisites.ts";
import { LabError } from "../lab.ts";
import { allocateLab, lockLab, requireLab } from "../slots.ts";
import { Ui } from "../ui.ts";
import { prepareMachine } from "./prepare.ts";

export interface BastionOptions {
    remove?: boolean;
    json?: boolean;
}

/** Starts the lab's bastion and prints the settings with which the program uses it, or removes the bastion. */
export async function bastion(options: BastionOptions): Promise<void> {
    requireMachine();
    const ui = new Ui({ stream: options.json ? process.stderr : process.stdout });
    const lab = options.remove ? requireLab() : await allocateLab();
    const unlock = await lockLab(lab, "bastion");
    try {
        if (options.remove) {
            if (!findBastion(lab)) throw new LabError("the lab has no bastion: `npm run lab -- bastion` starts one");
            await ui.stage("bastion removed", () => stopBastion(new CloudStore(lab, new Reconciler(lab))));
            return;
        }
        await prepareMachine(ui, lab.cacheDir);
        const found = await ui.stage("bastion", (progress) => {
            const reconciler = new Reconciler(lab, progress);
            return startBastion(new CloudStore(lab, reconciler), (state) => reconciler.apply(state));
        });
        if (options.json) console.log(JSON.stringify({ ...found, sets: settingsThrough(found) }, null, 2));
        else print(ui, found);
    } finally {
        unlock();
    }
}

/** The settings without the private key, which is in a file. */
function settingsThrough({ host, user, hostKey }: Bastion): Record<string, string> {
    return { bastionHost: host, bastionUser: user, bastionHostKey: hostKey, sshAllowedCidrs: `${host}/32` };
}

function print(ui: Ui, found: Bastion): void {
    const sets = Object.entries(settingsThrough(found)).map(([key, value]) => `--set '${key}=${value}'`);
    const lines = [
        "",
        `host         ${found.host}`,
        `user         ${found.user}`,
        `host key     ${found.hostKey}`,
        `private key  ${found.privateKeyFile}`,
        "",
        "To use it, run:",
        "",
        "   npm run lab -- up \\",
        ...sets.map((set) => `       ${set} \\`),
        `       --set "bastionPrivateKey=$(cat ${found.privateKeyFile})"`,
    ];
    for (const line of lines) ui.info(line);
}
