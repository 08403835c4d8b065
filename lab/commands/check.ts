import { markdown } from "../../checks/markdown.ts";
import { LabError } from "../lab.ts";
import { requireLab } from "../slots.ts";
import { Ui } from "../ui.ts";
import { askedMachines, logins } from "./machine.ts";
import { readOutputs } from "./session.ts";
import { checkEndpoints, hostOf, requireOutputs, resultLine } from "./endpoints.ts";

/** Checks the public endpoints and the machine's renewal, and prints a line for each. Throws if a check fails. */
export async function check(options: { json?: boolean; markdown?: boolean; machine?: string }): Promise<void> {
    const lab = requireLab();
    const outputs = requireOutputs(readOutputs(lab));
    const ui = new Ui();
    const marks = { ok: ui.paint("✓", "32"), warn: ui.paint("!", "33"), fail: ui.paint("✗", "31") };
    const results = await checkEndpoints(lab, outputs, {
        ...askedMachines(await logins(lab), options.machine),
        onResult: (result) => {
            if (options.json || options.markdown) return;
            ui.info(` ${marks[result.status]} ${resultLine(result)}`);
            if (result.hint) ui.info(`${" ".repeat(21)}${result.hint}`);
        },
    });
    const failed = results.filter(({ status }) => status === "fail");
    if (options.json) console.log(JSON.stringify({ host: hostOf(outputs), ok: failed.length === 0, results }, null, 2));
    if (options.markdown) console.log(markdown("check", [{ host: hostOf(outputs), results }]));
    if (failed.length > 0) throw new LabError(`${failed.length} of ${results.length} checks failed`);
}
