import { isAbsolute, join } from "node:path";
import { findPulumi } from "../engine/cli-binary.ts";
import { prepareWorkspace, stackVariables, workspaceOf } from "../engine/workspace.ts";
import { requireLab } from "../labs.ts";
import { writePlugins } from "../providers/index.ts";
import { linkRealPlugins, standInPackages } from "./plugins.ts";

/** Prints what a shell has to evaluate so that plain `pulumi` works on the lab's stack: eval "$(npm run --silent lab -- env)". */
export async function env(): Promise<void> {
    const lab = requireLab();
    const workspace = workspaceOf(lab);
    prepareWorkspace(workspace);
    linkRealPlugins(workspace.home);
    await writePlugins(join(workspace.home, "plugins"), lab, standInPackages());
    const cli = await findPulumi(lab.cacheDir);
    const variables = {
        ...stackVariables(workspace),
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    };
    for (const [name, value] of Object.entries(variables)) console.log(`export ${name}=${quote(value)}`);
    if (!cli) console.log("# There is no pulumi on PATH, and none in the lab's cache.");
    else if (isAbsolute(cli.command)) console.log(`pulumi() { ${quote(cli.command)} "$@"; }`);
    console.log(`# The stack's configuration: ${workspace.configFile}`);
    console.log(`# Then, for example: pulumi -C ${workspace.dir} preview --diff`);
}

function quote(text: string): string {
    return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
