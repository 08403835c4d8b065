import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";

/*
 * A stand-in for Pulumi's YAML language host, which the lab's engine does not have. For tests only. It asks the engine
 * for the example's components as the original does: by their types, to be constructed by the package that has them. Of
 * the language it knows what the example uses: configuration with defaults, literals, and names alone within ${}.
 */

interface Program {
    config: Record<string, { type: string; default?: unknown }>;
    resources: Record<string, { type: string; properties: Record<string, unknown> }>;
    outputs: Record<string, string>;
}

const program = parse(readFileSync(join(import.meta.dirname, "../../../examples/yaml/Pulumi.yaml"), "utf8")) as Program;
const config = new pulumi.Config();

function configured(name: string): unknown {
    const key = program.config[name];
    if (!key) throw new Error(`\${${name}} is no configuration of the example`);
    return (key.type === "string" ? config.get(name) : config.getObject(name)) ?? key.default;
}

const variable = (value: unknown) => (typeof value === "string" ? /^\$\{([\w.]+)\}$/.exec(value)?.[1] : undefined);

/** A component of another process. Each output that is asked for becomes a property. */
class Remote extends pulumi.ComponentResource {
    constructor(type: string, name: string, inputs: Record<string, unknown>, outputs: readonly string[]) {
        const asked = Object.fromEntries(outputs.map((output) => [output, undefined]));
        super(type, name, { ...asked, ...inputs }, {}, true);
    }
}

const wanted = Object.entries(program.outputs).map(([name, value]) => [name, ...variable(value)!.split(".")] as const);
const resources = Object.fromEntries(
    Object.entries(program.resources).map(([name, { type, properties }]) => {
        const inputs = Object.entries(properties).map(([property, value]) => {
            const source = variable(value);
            return [property, source === undefined ? value : configured(source)] as const;
        });
        const outputs = wanted.filter(([, resource]) => resource === name).map(([, , output]) => output!);
        return [name, new Remote(type, name, Object.fromEntries(inputs), outputs)];
    }),
);

export default Object.fromEntries(
    wanted.map(([name, resource, output]) => [
        name,
        (resources[resource!] as unknown as Record<string, unknown>)[output!],
    ]),
);
