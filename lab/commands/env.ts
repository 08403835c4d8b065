import { existsSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { type PulumiCli, findPulumi } from "../engine/find-pulumi.ts";
import { prepareWorkspace, stackVariables, workspaceOf } from "../engine/workspace.ts";
import type { Lab } from "../lab.ts";
import { requireLab } from "../slots.ts";
import { writePlugins } from "../providers/index.ts";
import { services } from "../services/services.ts";
import { clientCaFile } from "./client-ca.ts";
import { linkRealPlugins, standInPackages } from "./plugins.ts";

/**
 * Prints shell commands that make plain `pulumi` in the checkout use the lab's stack:
 * eval "$(npm run --silent lab -- env)". Messages go to standard error, because eval hides comments.
 */
export async function env(): Promise<void> {
    const lab = requireLab();
    const workspace = workspaceOf(lab);
    prepareWorkspace(workspace);
    linkRealPlugins(workspace.home);
    await writePlugins(join(workspace.home, "plugins"), lab, standInPackages());
    const cli = await findPulumi(lab.cacheDir);
    const variables = {
        ...stackVariables(workspace),
        // The CLI also reads flags from variables. Without this one, `pulumi config set` would write to the checkout.
        PULUMI_OPTION_CONFIG_FILE: workspace.configFile,
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        ...clientOptions(lab),
    };
    // It would take precedence over the lab's passphrase file.
    console.log("unset PULUMI_CONFIG_PASSPHRASE");
    for (const [name, value] of Object.entries(variables)) console.log(`export ${name}=${quote(value)}`);
    if (cli && isAbsolute(cli.command)) console.log(`pulumi() { ${quote(cli.command)} "$@"; }`);
    const problem = missing(cli);
    if (problem) console.error(problem);
}

/** Options by which plain `npm run check` is a client of the lab. There are none before the first `up`. */
function clientOptions(lab: Lab): Record<string, string> {
    if (!existsSync(services(lab).publicCaFile)) return {};
    return { LINKMESH_LAB_CLIENT: `--ca ${clientCaFile(lab)} --dns ${lab.net.dns}` };
}

function missing(cli: PulumiCli | undefined): string | undefined {
    const install = "install the Pulumi CLI (https://www.pulumi.com/docs/install/), then evaluate this again";
    if (!cli) return `there is no pulumi on PATH and none in the lab's cache: ${install}`;
    if (!isAbsolute(cli.command) || onPath("pulumi-language-nodejs")) return undefined;
    return (
        "pulumi is the lab's own build, which cannot start programs by itself: `pulumi stack`, `config`, `refresh` and `destroy` " +
        `work; for \`preview\` and \`up\` use \`npm run lab --\`, or ${install}`
    );
}

function onPath(command: string): boolean {
    return (process.env.PATH ?? "").split(delimiter).some((dir) => dir !== "" && existsSync(join(dir, command)));
}

function quote(text: string): string {
    return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
