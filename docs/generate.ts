import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseDocument } from "yaml";
import { SETTINGS, type Setting } from "../components/settings/settings.ts";
import { PAGE, keptResults, renderPage, renderPlots, renderReadme } from "../bench/document.ts";
import { costsPage, defaultCost } from "./costs.ts";
import { commentOn } from "../preview/comment.ts";
import { readPreview } from "../preview/preview.ts";
import { figures, oneMachine, rolls, tier } from "./scale.ts";
import { refreshDocument } from "./refresh.ts";
import { rightsTable } from "./rights.ts";
import { argsFile, settingsPage } from "./settings.ts";

/** The files generated from the settings, the lab's tables of AWS calls and the benchmark's results. `npm run generate` writes them; a test fails if one is stale. */
export const GENERATED = [
    { file: "Pulumi.yaml", render: renderProject },
    { file: "components/linkmesh-args.ts", render: argsFile },
    { file: "policy/package.json", render: withVersion },
    { file: "plugin/package.json", render: withVersion },
    { file: "docs/settings.md", render: (text: string) => between(text, "settings", settingsPage()) },
    { file: "docs/rights.md", render: (text: string) => between(text, "rights", rightsTable()) },
    { file: "docs/costs.md", render: async (text: string) => between(text, "costs", await costsPage()) },
    {
        file: "docs/scale.md",
        render: (text: string) =>
            Object.entries({ "one-machine": oneMachine(), tier: tier(), rolls: rolls(), figures: figures() }).reduce(
                (page, [marker, content]) => between(page, marker, content),
                text,
            ),
    },
    { file: "README.md", render: async (text: string) => renderReadme(await withCost(text), keptResults()) },
    { file: "docs/iam/refresh.json", render: refreshDocument },
    { file: PAGE, render: (text: string) => renderPage(text, keptResults()) },
    ...renderPlots(keptResults()).map(({ file, text }) => ({ file, render: () => text })),
    { file: "docs/pull-requests.md", render: (text: string) => between(text, "comment", exampleComment()) },
] as const;

export function path(file: string): string {
    return fileURLToPath(new URL(`../${file}`, import.meta.url));
}

const settings = Object.entries(SETTINGS) as [string, Setting][];

/** What `pulumi new` asks for, sorted by name: the settings that a first preview needs. Answers are text. */
export const QUESTIONS: Record<string, { description: string; default?: string }> = {
    "aws:region": { description: "The AWS region", default: "us-east-1" },
    domain: {
        description: "The public hostname, in a public hosted zone of the AWS account, such as linkmesh.example.com",
    },
    linkmeshDebSha256: { description: "SHA-256 checksum of LinkMesh's Debian package, as sha256sum prints it" },
    linkmeshDebUrl: { description: "URL of that package" },
    sshAllowedCidrs: {
        description: "The networks that may reach port 22, including your own address, such as 198.51.100.7/32",
    },
};

/**
 * The CLI refuses `secret: true` beside a default, so only the stack's own file marks secrets. Lists have no type, because with
 * a type the CLI would accept no text: neither an answer to `pulumi new` nor `pulumi config set NAME a,b`.
 */
function renderProject(text: string): string {
    const project = parseDocument(text);
    const config = Object.fromEntries(
        settings.map(([name, { type, description, default: preset }]) => [
            name,
            {
                ...(type === "array" ? {} : { type }),
                description,
                ...(preset === undefined ? {} : { default: preset }),
            },
        ]),
    );
    // A project that `pulumi new` has created has no template, and has pulumi:tags in its config.
    const tags = project.getIn(["config", "pulumi:tags"]);
    if (project.has("template")) project.setIn(["template", "config"], project.createNode(QUESTIONS));
    project.set("config", project.createNode(config));
    if (tags !== undefined) project.setIn(["config", "pulumi:tags"], tags);
    return project.toString({ lineWidth: 0 });
}

/** The policy pack and the component package report the version of their package.json. */
function withVersion(text: string): string {
    const { version } = JSON.parse(readFileSync(path("package.json"), "utf8")) as { version: string };
    return `${JSON.stringify({ ...(JSON.parse(text) as object), version }, null, 2)}\n`;
}

async function withCost(text: string): Promise<string> {
    return text.replace(/costs about \$\d+ a month/, `costs about $${Math.round(await defaultCost())} a month`);
}

/** The comment about a preview that was recorded in the lab, as a quotation. Its first line is not shown. */
function exampleComment(): string {
    const preview = readPreview(readFileSync(path("test/unit/previews/settings.json"), "utf8"));
    const [, ...lines] = commentOn(preview, "staging").trimEnd().split("\n");
    return lines.map((line) => `> ${line}`.trimEnd()).join("\n");
}

/** The text with the part between two markers replaced. */
function between(text: string, marker: string, content: string): string {
    const [open, close] = [`<!-- ${marker} -->\n`, `<!-- /${marker} -->`];
    const start = text.indexOf(open) + open.length;
    return `${text.slice(0, start)}${content}\n${text.slice(text.indexOf(close, start))}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const only = process.argv.slice(2);
    for (const { file, render } of GENERATED) {
        if (only.length > 0 && !only.includes(file)) continue;
        writeFileSync(path(file), await render(readFileSync(path(file), "utf8")));
    }
}
