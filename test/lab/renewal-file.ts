import { expect } from "vitest";
import { stopProcess } from "../../lab/process/process.ts";
import type { Lab } from "../../lab/lab.ts";
import { PUBLIC_ACME } from "../../lab/services/pebble.ts";
import { servicePidFile } from "../../lab/services/service.ts";
import { startServices } from "../../lab/services/services.ts";
import { onMachine } from "./lab.ts";

const DUE = "renew_before_expiry = 40000 days";

/** The renewal file of the machine's one lineage, whatever its name. */
export async function renewalFile(): Promise<string> {
    const files = (await onMachine("ls /etc/letsencrypt/renewal/*.conf")).split("\n");
    expect(files, "one lineage").toHaveLength(1);
    return files[0]!;
}

/** Makes the next `certbot renew` renew the lineage: the lab's certificates last five years. */
export async function makeDue(file: string): Promise<void> {
    await onMachine(`sed -i '1i ${DUE}' ${file}`);
}

export async function makeNotDue(file: string): Promise<void> {
    await onMachine(`sed -i '/^${DUE}$/d' ${file}`);
}

/** Restarts the lab's ACME server. Pebble loses everything, like a rebuilt authority. */
export async function forgetAccounts(lab: Lab): Promise<void> {
    await stopProcess(servicePidFile(lab, PUBLIC_ACME.name));
    await startServices(lab, () => undefined);
}
