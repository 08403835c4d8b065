import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseDocument } from "yaml";
import { SETTINGS, type Setting } from "../components/settings.ts";

/**
 * The two places that repeat the settings for readers and for the CLI, made from `components/settings.ts`:
 * Pulumi.yaml's `config` schema and the table of the README. `npm run docs` writes them; a test says when they are old.
 */
export const GENERATED = [
    { file: "Pulumi.yaml", render: renderProject },
    { file: "README.md", render: renderReadme },
] as const;

export function path(file: string): string {
    return fileURLToPath(new URL(`../${file}`, import.meta.url));
}

const settings = Object.entries(SETTINGS) as [string, Setting][];

/** `secret: true` beside a default is refused by the CLI, so secrets are marked in the stack's own file alone. */
function renderProject(text: string): string {
    const project = parseDocument(text);
    const config = Object.fromEntries(
        settings.map(([name, { type, description, default: preset }]) => [
            name,
            {
                type,
                ...(type === "array" ? { items: { type: "string" } } : {}),
                description,
                ...(preset === undefined ? {} : { default: preset }),
            },
        ]),
    );
    project.set("config", project.createNode(config));
    return project.toString({ lineWidth: 0 });
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
    return text.replace(
        /(<!-- settings -->\n)[\s\S]*?(\n<!-- \/settings -->)/,
        (_, open: string, close: string) => `${open}${table}${close}`,
    );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    for (const { file, render } of GENERATED) writeFileSync(path(file), render(readFileSync(path(file), "utf8")));
}
