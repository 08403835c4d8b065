import { Command, CommanderError } from "commander";
import { execa } from "execa";
import { STACK_TAG } from "../components/cloud/stack-tag.ts";
import { leftovers, tagsIn } from "./leftovers.ts";

interface Exported {
    deployment?: {
        resources?: { urn: string; type: string; inputs?: { region?: string } }[];
        pending_operations?: { type: string; resource: { urn: string } }[];
    };
}

class Failure extends Error {}

const program = new Command("npm run leftovers --")
    .description(
        "Lists what the stack has made in AWS and does not know of, as after an engine that was killed, with the command that deletes each. Deletes nothing.",
    )
    .argument("[tag]", `value of the tag ${STACK_TAG}: PROJECT/STACK/NAME; by default as the state has it`)
    .option("--stack <name>", "by default the selected one")
    .exitOverride()
    .action(list);

try {
    await program.parseAsync();
} catch (error) {
    if (!(error instanceof CommanderError) && !(error instanceof Failure)) throw error;
    if (error instanceof Failure) console.error(`error: ${error.message}`);
    process.exitCode = error instanceof CommanderError ? error.exitCode && 2 : 1;
}

async function list(tag: string | undefined, { stack }: { stack?: string }): Promise<void> {
    const text = await run("pulumi", ["stack", "export", ...(stack === undefined ? [] : ["--stack", stack])]);
    const { deployment = {} } = JSON.parse(text) as Exported;
    const tags = tag === undefined ? tagsIn(text) : [tag];
    if (tags.length === 0) {
        throw new Failure(
            `the state does not tell the value of the tag ${STACK_TAG}: name it, as in \`npm run leftovers -- PROJECT/STACK/linkmesh\`.`,
        );
    }
    refuseOthers(tags, deployment);
    const providers = deployment.resources?.filter(({ type }) => type === "pulumi:providers:aws") ?? [];
    const regions = [
        ...new Set(providers.map(({ inputs }) => inputs?.region).filter((region) => region !== undefined)),
    ];
    const arns: string[] = [];
    for (const region of regions.length > 0 ? regions : [undefined]) {
        for (const value of tags) arns.push(...(await tagged(value, region)));
    }
    for (const { type, resource } of deployment.pending_operations ?? []) {
        console.log(`interrupted while ${type}: ${resource.urn.split("::").at(-1)}`);
    }
    const found = leftovers(arns, text);
    for (const { id, command } of found) console.log(`${id}  ${command}`);
    if (found.length > 0) {
        console.log(
            "Delete what was made by this stack alone: one of the same project and name in another organization or backend has the same tag.",
        );
    } else console.log(`nothing is left over of ${tags.join(" and ")}`);
}

/** What carries the tag of another stack is in use there. */
function refuseOthers(
    tags: string[],
    { resources = [], pending_operations = [] }: NonNullable<Exported["deployment"]>,
) {
    const [urn] = [...resources.map((one) => one.urn), ...pending_operations.map(({ resource }) => resource.urn)];
    const [, stack, project] = /^urn:pulumi:(.*?)::(.*?)::/.exec(urn ?? "") ?? [];
    const other = tags.find((tag) => urn !== undefined && !tag.startsWith(`${project}/${stack}/`));
    if (other === undefined) return;
    throw new Failure(
        `${other} is the tag of another stack than ${project}/${stack}, whose state this is: name one that begins with ${project}/${stack}/, or select that stack.`,
    );
}

/** The ARNs of all that carries the tag. */
async function tagged(value: string, region: string | undefined): Promise<string[]> {
    const filter = ["--tag-filters", `Key=${STACK_TAG},Values=${value}`, "--output", "json"];
    const where = region === undefined ? [] : ["--region", region];
    const answer = await run("aws", ["resourcegroupstaggingapi", "get-resources", ...filter, ...where]);
    const { ResourceTagMappingList: list } = JSON.parse(answer) as {
        ResourceTagMappingList: { ResourceARN: string }[];
    };
    return list.map(({ ResourceARN }) => ResourceARN);
}

async function run(command: string, args: string[]): Promise<string> {
    const result = await execa(command, args, { reject: false, stdin: "ignore" });
    if (!result.failed) return result.stdout;
    const reason = result.stderr?.trim().split("\n").at(-1) || result.shortMessage;
    throw new Failure(`${command} ${args.slice(0, 2).join(" ")} failed: ${reason}`);
}
