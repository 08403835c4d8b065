import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { FUNCTIONS } from "../../lab/providers/aws/functions.ts";
import { type Schema, isBlock, isBlockList } from "../../lab/providers/aws/schema.ts";
import { RESOURCE_TYPES } from "../../lab/providers/aws/types.ts";

const sdk = dirname(createRequire(import.meta.url).resolve("@pulumi/aws/package.json"));
const inputTypes = readFileSync(join(sdk, "types/input.d.ts"), "utf8");

/** The declaration file of a token: "aws:ec2/vpc:Vpc" is ec2/vpc.d.ts. */
function declaration(token: string): string {
    const [, module = ""] = token.split(":");
    return readFileSync(join(sdk, `${module.replace(/^index\//, "")}.d.ts`), "utf8");
}

/** Property names of an interface, with whether they are required. */
function members(source: string, name: string): Map<string, boolean> {
    const [, indent = "", body = ""] =
        new RegExp(`^( *)(?:export )?interface ${name} \\{([\\s\\S]*?)^\\1\\}`, "m").exec(source) ?? [];
    const found = [...body.matchAll(new RegExp(`^${indent} {4}(\\w+)(\\??):`, "gm"))];
    return new Map(found.map(([, property, optional]) => [property!, optional === ""]));
}

function expectKnown(schema: Schema, declared: Map<string, boolean>, owner: string): void {
    expect(declared.size, owner).toBeGreaterThan(0);
    expect([...declared.keys()], owner).toEqual(expect.arrayContaining(Object.keys(schema)));
    const needed = [...declared].filter(([, required]) => required).map(([name]) => name);
    const required = Object.keys(schema).filter((name) => schema[name]!.required);
    expect(required, `required by ${owner}`).toEqual(expect.arrayContaining(needed));
}

/** The SDK names a nested block's type after its path, a list of blocks in the singular. */
function expectBlocksKnown(schema: Schema, owner: string): void {
    for (const [name, { kind }] of Object.entries(schema)) {
        const path = owner + name[0]!.toUpperCase() + name.slice(1);
        const [block, type] = isBlockList(kind) ? [kind[0], path.replace(/s$/, "")] : [kind, path];
        if (!isBlock(block)) continue;
        expectKnown(block, members(inputTypes, type), type);
        expectBlocksKnown(block, type);
    }
}

describe.each(Object.entries(RESOURCE_TYPES))("%s", (token, type) => {
    const source = declaration(token);
    const className = token.split(":").at(-1)!;

    it("has only inputs of the SDK, and requires those that the SDK requires", () => {
        expectKnown(type.inputs, members(source, `${className}Args`), token);
        expectBlocksKnown(type.inputs, className);
    });

    it("returns only outputs of the SDK", () => {
        const declared = [...source.matchAll(/^ {4}readonly (\w+): pulumi\.Output/gm)].map(([, name]) => name);
        expect(declared).toEqual(expect.arrayContaining([...Object.keys(type.inputs), ...type.outputs]));
    });
});

describe.each(Object.entries(FUNCTIONS))("%s", (token, { inputs }) => {
    it("has only arguments of the SDK", () => {
        const name = token.split(":").at(-1)!;
        const [source, args] = [declaration(token), `${name[0]!.toUpperCase()}${name.slice(1)}Args`];
        if (source.includes(args)) expectKnown(inputs, members(source, args), token);
        else expect(inputs).toEqual({});
    });
});
