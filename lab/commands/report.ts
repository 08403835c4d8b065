import type { Lab } from "../lab.ts";
import { services } from "../services/services.ts";
import type { Ui } from "../ui.ts";
import { RESUME } from "./paused.ts";
import { type LabOutputs, hostOf } from "./surfaces.ts";

/** What a user wants to know when the lab is up: the addresses, and what to type next. */
export function printReady(ui: Ui, lab: Lab, outputs: LabOutputs): void {
    const host = hostOf(outputs);
    const strong = (text: string) => ui.paint(text, "1");
    const lines = [
        "",
        `LinkMesh answers at ${strong(outputs.publicUrl)}`,
        `   OpAMP   ${outputs.opampUrl}`,
        `   gRPC    ${outputs.grpcEndpoint}`,
        `   IPv4    ${outputs.ipv4}`,
        `   IPv6    ${outputs.ipv6}`,
        "",
        "The name is known in the lab only, and the certificate comes from the lab's own CA. Try it:",
        "",
        `   ${strong(`curl --cacert ${services(lab).publicCaFile} --resolve ${host}:443:${outputs.ipv4} ${outputs.publicUrl}/`)}`,
        `   ${strong("npm run lab -- ssh")}       a shell on the machine`,
        `   ${strong("npm run lab -- preview --diff --set collectorsExpected=20000")}`,
        `   ${strong("npm run lab -- destroy")}   takes everything away`,
    ];
    for (const line of lines) ui.info(line);
}

/** What a paused lab keeps, and how to go on. */
export function printPaused(ui: Ui, outputs: LabOutputs): void {
    const lines = [
        "",
        `${hostOf(outputs)} is paused: there is no machine, so nothing answers and nothing was checked.`,
        `Kept are the addresses (${outputs.ipv4}, ${outputs.ipv6}), the names and the data volume.`,
        "",
        `   ${ui.paint(RESUME, "1")}   brings the machine back`,
        `   ${ui.paint("npm run lab -- destroy", "1")}   takes everything away`,
    ];
    for (const line of lines) ui.info(line);
}
