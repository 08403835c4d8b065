import { SETTINGS, type Setting } from "../components/settings/settings.ts";
import { ACCESS_SETTINGS } from "../components/settings/schema/access.ts";
import { CERTIFICATE_SETTINGS } from "../components/settings/schema/certificate.ts";
import { LINKMESH_SETTINGS } from "../components/settings/schema/linkmesh.ts";
import { MACHINE_SETTINGS } from "../components/settings/schema/machine.ts";
import { NAME_SETTINGS } from "../components/settings/schema/names.ts";
import { OPERATION_SETTINGS } from "../components/settings/schema/operations.ts";
import { TIER_SETTINGS } from "../components/settings/schema/tier.ts";
import type { Effect } from "../components/settings/schema/setting.ts";

const TOPICS: Record<string, Record<string, Setting>> = {
    "Names and DNS": NAME_SETTINGS,
    Certificate: CERTIFICATE_SETTINGS,
    Access: ACCESS_SETTINGS,
    "Machine, network and disk": MACHINE_SETTINGS,
    "Several machines": TIER_SETTINGS,
    LinkMesh: LINKMESH_SETTINGS,
    Operation: OPERATION_SETTINGS,
};

const MEANINGS: Record<Effect, string> = {
    "AWS resources change": "Tags, sizes or schedules change in place. The machine keeps running.",
    "firewall rules change": "Rules of the security group change, and nothing on the machine.",
    "DNS records change": "Resolvers see it once the old records' TTL is over.",
    "new certificate":
        "Clients are shown another certificate. One from an ACME authority counts against the authority's limits.",
    "nginx reloads": "New connections get the new configuration, and open sessions stay.",
    "LinkMesh restarts":
        "Its sessions end and connect again, and https answers 503 meanwhile: about a second in the lab, with the stand-in for LinkMesh. How long LinkMesh itself takes to start was not measured. Telemetry goes on, because it does not pass through LinkMesh.",
    "new machine":
        "The old machine stops and a new one starts with the same addresses, data and host key. In the lab https is silent for 20 seconds ([benchmarks](benchmarks.md)); a machine on AWS takes longer to boot.",
    "new addresses": "The names lead to other addresses. DNS records and firewall rules follow.",
};

/** The body of docs/settings.md: what each effect means, and a table for each topic. */
export function settingsPage(): string {
    return [
        "## What a change does",
        "",
        ...table(
            ["what a change does", "what that means"],
            [
                ["nothing", "Clients notice nothing. Steps may run again, and they change nothing."],
                ...Object.entries(MEANINGS),
            ],
        ),
        "",
        "With several `nodes` a change goes over one node after the other, and the others serve meanwhile. New machines are set up before the old",
        "ones go, and each has another address of its own; the load balancer's addresses stay.",
        ...Object.entries(TOPICS).flatMap(([topic, settings]) => [
            "",
            `## ${topic}`,
            "",
            ...table(
                ["setting", "default", "example", "what it is", "what a change does"],
                Object.entries(settings).map(settingRow),
            ),
        ]),
    ].join("\n");
}

function settingRow([name, setting]: [string, Setting]): string[] {
    const { type, secret, description, default: preset, example } = setting;
    const shown = preset === undefined ? "required" : isEmpty(preset) ? "–" : code(plain(preset));
    return [`\`${name}\`<br>${type}${secret ? ", secret" : ""}`, shown, code(example), description, change(setting)];
}

/** "nginx reloads; LinkMesh restarts (only if …)" */
function change({ change: effects, changeNote }: Setting): string {
    const text = effects.length === 0 ? "nothing" : effects.join("; ");
    return changeNote === undefined ? text : `${text} (${changeNote})`;
}

const code = (text: string) => `\`${text}\``;
const plain = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));

function isEmpty(preset: Setting["default"]): boolean {
    return preset === "" || ["{}", "[]"].includes(JSON.stringify(preset));
}

/** The lines of a table in Markdown. */
export function table(head: string[], rows: string[][]): string[] {
    const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
    return [line(head), line(head.map(() => "---")), ...rows.map(line)];
}

/** components/linkmesh-args.ts. Pulumi's analyzer generates the package schema from it, so it has only types of a schema. */
export function argsFile(): string {
    const properties = Object.entries(SETTINGS).flatMap(([name, setting]: [string, Setting]) => {
        const optional = setting.default === undefined ? "" : "?";
        return [...docComment(setting), `    ${name}${optional}: ${argType(setting)};`];
    });
    return `${[
        'import type * as pulumi from "@pulumi/pulumi";',
        "// Generated from components/settings by `npm run generate`. The analyzer has no other type for a value of any kind.",
        "/* eslint-disable @typescript-eslint/no-explicit-any */",
        "/** The settings of a LinkMesh behind its public hostname. */",
        "export interface LinkMeshArgs {",
        ...properties,
        "}",
    ].join("\n")}\n`;
}

function docComment({ type, description, default: preset, example }: Setting): string[] {
    const literal = { string: JSON.stringify(example), array: JSON.stringify(example.split(",")) };
    const lines = [
        description,
        ...(preset === undefined || isEmpty(preset) ? [] : [`@default ${code(JSON.stringify(preset))}`]),
        `@example ${code(type === "string" || type === "array" ? literal[type] : example)}`,
    ];
    return ["    /**", ...lines.map((line) => `     * ${line.replaceAll("*/", "*\\/")}`), "     */"];
}

/** Secrets may be outputs, because config.requireSecret returns one. All others decide what is created, so they must be plain. */
function argType({ type, secret, holdsCredentials, schema }: Setting): string {
    const input = (text: string) => (secret || holdsCredentials ? `pulumi.Input<${text}>` : text);
    const isNested = schema.safeParse({ a: { b: "" } }).success;
    const types = {
        string: "string",
        integer: "number",
        boolean: "boolean",
        array: "string[]",
        object: `Record<string, ${isNested ? "any" : input("string")}>`,
    };
    return input(types[type]);
}
