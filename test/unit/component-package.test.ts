import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { LinkMesh } from "../../components/index.ts";
import { SETTINGS } from "../../components/settings/settings.ts";
import { expectGolden } from "./golden.ts";

const ROOT = join(import.meta.dirname, "../..");
const TOKEN = "linkmesh-proxy:index:LinkMesh";

/** The SDK's class that answers the engine for the component package. It is not exported. */
const { ComponentProvider } = createRequire(import.meta.url)("@pulumi/pulumi/provider/experimental/provider.js") as {
    ComponentProvider: new (options: object) => { getSchema(): Promise<string> };
};

interface Schema {
    resources: Record<string, Component>;
}
interface Component {
    inputProperties: Record<string, { type: string; plain?: boolean }>;
    requiredInputs: string[];
    properties: Record<string, { type: string }>;
}

let text: string;
let component: Component;

beforeAll(async () => {
    const dirname = join(ROOT, "plugin");
    const provider = new ComponentProvider({ name: "linkmesh-proxy", dirname, components: [LinkMesh] });
    text = await provider.getSchema();
    component = (JSON.parse(text) as Schema).resources[TOKEN]!;
    // The analyzer compiles the component, which takes seconds.
}, 120_000);

test("the schema is as reviewed", async () => {
    const schema = `${JSON.stringify(JSON.parse(text), null, 4)}\n`;
    await expectGolden(schema, "golden/component-schema.json");
});

test("each setting is an input; only secrets may be outputs of other resources", () => {
    expect(Object.keys(component.inputProperties)).toEqual(Object.keys(SETTINGS));
    for (const [name, setting] of Object.entries(SETTINGS)) {
        const { plain = false } = component.inputProperties[name]!;
        expect(plain, name).toBe(!("secret" in setting || "holdsCredentials" in setting));
    }
});

test("docs/components.md lists each output", () => {
    const text = readFileSync(join(ROOT, "docs/components.md"), "utf8");
    const section = text.slice(text.indexOf("## Outputs"), text.indexOf("## Change an inner resource"));
    const listed = [...section.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, names]) => names!.match(/\w+/g) ?? []);
    expect(listed.sort()).toEqual(Object.keys(component.properties).sort());
});

test("the example in YAML uses the schema's inputs and outputs", () => {
    const program = parse(readFileSync(join(ROOT, "examples/yaml/Pulumi.yaml"), "utf8")) as {
        config: Record<string, { type: string }>;
        resources: Record<string, { type: string; properties: Record<string, unknown> }>;
        outputs: Record<string, string>;
    };
    const { type, properties } = program.resources.linkmesh!;
    expect(type).toBe(TOKEN);
    expect(Object.keys(component.inputProperties)).toEqual(expect.arrayContaining(Object.keys(properties)));
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(component.requiredInputs));
    for (const [name, value] of Object.entries(properties)) {
        const [, variable] = /^\$\{(\w+)\}$/.exec(String(value)) ?? [];
        const given = variable === undefined ? typeof value : program.config[variable]?.type;
        expect(given, name).toBe(component.inputProperties[name]!.type);
    }
    for (const [name, value] of Object.entries(program.outputs)) {
        expect(value).toBe(`\${linkmesh.${name}}`);
        expect(Object.keys(component.properties)).toContain(name);
    }
});
