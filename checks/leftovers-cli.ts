import { Command, CommanderError } from "commander";
import { execa } from "execa";
import { ROUTE53_REGION } from "../components/cloud/alarms/regions.ts";
import { STACK_TAG } from "../components/cloud/stack-tag.ts";
import { leftovers, tagsIn } from "./leftovers.ts";

interface Deployment {
    resources?: { urn: string; type: string; inputs?: { region?: string } }[];
    pending_operations?: { type: string; resource: { urn: string } }[];
}

class LeftoversError extends Error {}

const program = new Command("npm run leftovers --")
    .description(
        "Lists resources in AWS that the stack created and does not know, for example after the engine was killed, with the command that deletes each. Deletes nothing.",
    )
    .argument("[tag]", `value of the tag ${STACK_TAG}: PROJECT/STACK/NAME; by default the one in the state`)
    .option("--stack <name>", "by default the selected stack")
    .exitOverride()
    .action(list);

try {
    await program.parseAsync();
} catch (error) {
    if (!(error instanceof CommanderError) && !(error instanceof LeftoversError)) throw error;
    if (error instanceof LeftoversError) console.error(`error: ${error.message}`);
    process.exitCode = error instanceof CommanderError ? error.exitCode && 2 : 1;
}

async function list(tag: string | undefined, { stack }: { stack?: string }): Promise<void> {
    const text = await run("pulumi", ["stack", "export", ...(stack === undefined ? [] : ["--stack", stack])]);
    const { deployment = {} } = JSON.parse(text) as { deployment?: Deployment };
    const tags = tag === undefined ? tagsIn(text) : [tag];
    if (tags.length === 0) {
        throw new LeftoversError(
            `the state does not hold the tag ${STACK_TAG}: name its value, for example \`npm run leftovers -- PROJECT/STACK/linkmesh\`.`,
        );
    }
    refuseOthers(tags, deployment);
    const arns: string[] = [];
    for (const region of regionsOf(deployment)) {
        for (const value of tags) arns.push(...(await tagged(value, region)));
    }
    for (const { type, resource } of deployment.pending_operations ?? []) {
        console.log(`interrupted while ${type}: ${resource.urn.split("::").at(-1)}`);
    }
    const found = leftovers([...new Set(arns)], text);
    for (const { id, command } of found) console.log(`${id}  ${command}`);
    if (found.length > 0) {
        console.log(
            "Before you delete: a stack of the same project and name in another organization or backend has the same tag, and its resources are listed too.",
        );
    } else console.log(`no leftovers of ${tags.join(" and ")}`);
}

/**
 * The regions of the stack's AWS providers; undefined is the region of the environment. us-east-1 has the health checks of
 * `alarms`, and their alarms.
 */
function regionsOf({ resources = [] }: Deployment): (string | undefined)[] {
    const providers = resources.filter(({ type }) => type === "pulumi:providers:aws");
    const regions = new Set(providers.map(({ inputs }) => inputs?.region).filter((region) => region !== undefined));
    return [...new Set([...(regions.size > 0 ? regions : [undefined]), ROUTE53_REGION])];
}

/** Refuses the tag of another stack, whose resources are in use there. */
function refuseOthers(tags: string[], { resources = [], pending_operations = [] }: Deployment) {
    const [urn] = [...resources.map((one) => one.urn), ...pending_operations.map(({ resource }) => resource.urn)];
    const [, stack, project] = /^urn:pulumi:(.*?)::(.*?)::/.exec(urn ?? "") ?? [];
    const other = tags.find((tag) => urn !== undefined && !tag.startsWith(`${project}/${stack}/`));
    if (other === undefined) return;
    throw new LeftoversError(
        `${other} is not a tag of the selected stack ${project}/${stack}: name one that begins with ${project}/${stack}/, or select the other stack.`,
    );
}

/** The ARNs of the resources with the tag. */
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
    throw new LeftoversError(`${command} ${args.slice(0, 2).join(" ")} failed: ${reason}`);
}
