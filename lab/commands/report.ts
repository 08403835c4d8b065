import type { Ui } from "../ui.ts";
import { RESUME } from "./paused.ts";
import { type LabOutputs, hostOf, tierOf } from "./endpoints.ts";

/** Prints the addresses of the lab and the next commands. */
export function printReady(ui: Ui, outputs: LabOutputs, caFile: string): void {
    const own = outputs.certificateSource === "own";
    const strong = (text: string) => ui.paint(text, "1");
    const commands: [string, string][] = [
        tierOf(outputs)
            ? ["npm run lab -- ssh --machine node-1", "a shell on a machine"]
            : ["npm run lab -- ssh", "a shell on the machine"],
        ["npm run lab -- status", "these places again, and what runs"],
        ["npm run lab -- destroy", "takes everything away"],
    ];
    const width = Math.max(...commands.map(([command]) => command.length)) + 3;
    const lines = [
        "",
        `LinkMesh answers at ${strong(outputs.publicUrl)}`,
        ...places(outputs),
        "",
        `The name is known in the lab only, and the certificate ${own ? "is your own" : "comes from the lab's own CA"}. Try it:`,
        "",
        `   ${strong(curlCommand(outputs, caFile))}`,
        ...commands.map(([command, what]) => `   ${strong(command)}${" ".repeat(width - command.length)}${what}`),
    ];
    for (const line of lines) ui.info(line);
}

/** A request of one who trusts the lab's CA and does not ask its name server. */
export function curlCommand(outputs: LabOutputs, caFile: string): string {
    return `curl --cacert ${caFile} --resolve ${hostOf(outputs)}:443:${outputs.ipv4} ${outputs.publicUrl}/`;
}

/** A line for each URL and address of the stack. */
function places(outputs: LabOutputs): string[] {
    const { uiUrl, opampUrl, grpcEndpoint, ipv4, ipv6 } = outputs;
    const tier = tierOf(outputs);
    const rows: [string, string | undefined][] = [
        ["UI", uiUrl],
        ["OpAMP", opampUrl],
        ["gRPC", grpcEndpoint],
        ["IPv4", tier?.ipv4.join(", ") ?? ipv4],
        ["IPv6", tier?.ipv6.join(", ") ?? ipv6],
    ];
    return rows.filter(([, place]) => place).map(([name, place]) => `   ${name.padEnd(8)}${place}`);
}

/** Prints what a paused lab keeps, and the next commands. */
export function printPaused(ui: Ui, outputs: LabOutputs): void {
    const tier = tierOf(outputs);
    const addresses = tier ? [...tier.ipv4, ...tier.ipv6] : [outputs.ipv4, outputs.ipv6].filter(Boolean);
    const lines = [
        "",
        `${hostOf(outputs)} is paused: there is no machine, so nothing answers and nothing was checked.`,
        `Kept are the addresses (${addresses.join(", ")})${tier ? " and the names" : ", the names and the data volume"}.`,
        "",
        `   ${ui.paint(RESUME, "1")}   brings the ${tier ? "machines" : "machine"} back`,
        `   ${ui.paint("npm run lab -- destroy", "1")}   takes everything away`,
    ];
    for (const line of lines) ui.info(line);
}
