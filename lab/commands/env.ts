import { dirname, isAbsolute } from "node:path";
import { findPulumi } from "../engine/cli-binary.ts";
import { stackVariables, workspaceOf } from "../engine/workspace.ts";
import { requireLab } from "../labs.ts";
import { writePlugins } from "../providers/index.ts";

/** Prints what a shell has to evaluate so that plain `pulumi` works on the lab's stack: eval "$(npm run --silent lab -- env)". */
export async function env(): Promise<void> {
    const lab = requireLab();
    const workspace = workspaceOf(lab);
    const plugins = await writePlugins(lab);
    const cli = await findPulumi(lab.cacheDir);
    const dirs = [plugins, ...(cli && isAbsolute(cli.command) ? [dirname(cli.command)] : [])];
    const variables = {
        ...stackVariables(workspace),
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    };
    for (const [name, value] of Object.entries(variables)) console.log(`export ${name}=${quote(value)}`);
    console.log(`export PATH=${quote(dirs.join(":"))}:"$PATH"`);
    console.log(`# The stack's configuration: ${workspace.configFile}`);
    console.log(`# Then, for example: pulumi -C ${workspace.dir} preview --diff`);
}

function quote(text: string): string {
    return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
