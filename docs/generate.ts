import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseDocument } from "yaml";
import { SETTINGS, type Setting } from "../components/settings/settings.ts";
import { rightsTable } from "./rights.ts";

/**
 * The places that repeat the settings for readers, for the CLI and for other programs, made from
 * `components/settings`: Pulumi.yaml's `config` schema, the table of the README and the args of the component LinkMesh.
 * The table of docs/rights.md is made from the lab's tables of AWS's calls.
 * `npm run docs` writes them; a test says when they are old.
 */
export const GENERATED = [
    { file: "Pulumi.yaml", render: renderProject },
    { file: "README.md", render: renderReadme },
    { file: "components/linkmesh-args.ts", render: renderArgs },
    { file: "docs/rights.md", render: renderRights },
] as const;

export function path(file: string): string {
    return fileURLToPath(new URL(`../${file}`, import.meta.url));
}

const settings = Object.entries(SETTINGS) as [string, Setting][];

/** What `pulumi new` asks for, in the order of the names: all that a first preview needs. Answers are text. */
export const QUESTIONS: Record<string, { description: string; default?: string }> = {
    "aws:region": { description: "The AWS region", default: "us-east-1" },
    domain: {
        description: "The public hostname, in a public hosted zone of the AWS account, such as linkmesh.example.com",
    },
    linkmeshDebSha256: { description: "SHA-256 checksum of LinkMesh's Debian package, as sha256sum prints it" },
    linkmeshDebUrl: { description: "URL of that package" },
    sshAllowedCidrs: {
        description: "The networks that may reach port 22, your own address among them, such as 198.51.100.7/32",
    },
};

/**
 * `secret: true` beside a default is refused by the CLI, so secrets are marked in the stack's own file alone. A list has
 * no type, with which the CLI would take no text for it: neither an answer to `pulumi new` nor `pulumi config set NAME a,b`.
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
    // `pulumi new` takes the one from the project that it makes, and puts the other into it.
    const tags = project.getIn(["config", "pulumi:tags"]);
    if (project.has("template")) project.setIn(["template", "config"], project.createNode(QUESTIONS));
    project.set("config", project.createNode(config));
    if (tags !== undefined) project.setIn(["config", "pulumi:tags"], tags);
    return project.toString({ lineWidth: 0 });
}

function renderRights(text: string): string {
    return between(text, "rights", rightsTable());
}

function renderReadme(text: string): string {
    const cell = (value: string) => value.replaceAll("|", "\\|");
    const rows = settings.map(([name, { type, description, default: preset, secret }]) => {
        const shown =
            preset === undefined
                ? "required"
                : preset === "" || JSON.stringify(preset) === "{}"
                  ? "–"
                  : `\`${cell(typeof preset === "string" ? preset : JSON.stringify(preset))}\``;
        return `| \`${name}\` | ${type}${secret ? ", secret" : ""} | ${shown} | ${cell(description)} |`;
    });
    const table = ["| setting | type | default | what it is |", "| --- | --- | --- | --- |", ...rows].join("\n");
    return between(text, "settings", table);
}

/** The text with what stands between two markers replaced. */
function between(text: string, marker: string, content: string): string {
    const [open, close] = [`<!-- ${marker} -->\n`, `<!-- /${marker} -->`];
    const start = text.indexOf(open) + open.length;
    return `${text.slice(0, start)}${content}\n${text.slice(text.indexOf(close, start))}`;
}

/** Pulumi's analyzer makes the package schema from this interface, so only types that a schema has stand in it. */
function renderArgs(): string {
    const properties = settings.map(([name, setting]) => {
        const optional = setting.default === undefined ? "" : "?";
        return `    /** ${describe(setting)} */\n    ${name}${optional}: ${argType(setting)};`;
    });
    return `${[
        'import type * as pulumi from "@pulumi/pulumi";',
        "",
        "// Made from settings.ts by `npm run docs`. The analyzer has no other type for a value of any kind.",
        "/* eslint-disable @typescript-eslint/no-explicit-any */",
        "",
        "/** The settings of a LinkMesh behind its public hostname. */",
        "export interface LinkMeshArgs {",
        ...properties,
        "}",
    ].join("\n")}\n`;
}

/** Secrets may be outputs, for that is what a program's configuration gives; the rest decides what is created. */
function argType({ type, secret, holdsCredentials, schema }: Setting): string {
    const input = (text: string) => (secret || holdsCredentials ? `pulumi.Input<${text}>` : text);
    const isNested = schema.safeParse({ a: { b: "" } }).success;
    const plain = {
        string: "string",
        integer: "number",
        boolean: "boolean",
        array: "string[]",
        object: `Record<string, ${isNested ? "any" : input("string")}>`,
    };
    return input(plain[type]);
}

function describe({ description, default: preset }: Setting): string {
    const isEmpty = preset === undefined || preset === "" || JSON.stringify(preset) === "{}";
    const text = isEmpty ? description : `${description} Default: ${JSON.stringify(preset)}.`;
    return text.replaceAll("*/", "*\\/");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    for (const { file, render } of GENERATED) writeFileSync(path(file), render(readFileSync(path(file), "utf8")));
}
