import { prepareMachine } from "../../lab/commands/prepare.ts";
import { labCacheDir } from "../../lab/lab.ts";
import { Ui } from "../../lab/ui.ts";
import { installMissing } from "../host/prerequisites.ts";

/** Runs once before the lab tests, so that a fresh machine shows its progress and no test waits for it. */
export default async function setup(): Promise<void> {
    await prepareMachine(new Ui(), labCacheDir());
    await installMissing([{ name: "nmap", why: "looks for open ports", file: "/usr/bin/nmap" }]);
}
