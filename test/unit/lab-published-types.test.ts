import { expect, it } from "vitest";
import { FUNCTIONS } from "../../lab/providers/aws/functions.ts";
import { type Property, type Schema, isBlock, isBlockList } from "../../lab/providers/aws/schema.ts";
import { RESOURCE_TYPES } from "../../lab/providers/aws/types.ts";
import { CONNECTION } from "../../lab/providers/command/connection.ts";
import { INPUTS as COMMAND } from "../../lab/providers/command/provider.ts";
import { INPUTS as PRIVATE_KEY } from "../../lab/providers/tls/provider.ts";
import { type Declared, PublishedTypes } from "./published-types.ts";

const aws = new PublishedTypes("aws");
const command = new PublishedTypes("command");

/** How a table differs from the declarations of the provider's package. */
function differences(schema: Schema, declared: Record<string, Declared>, path = ""): string[] {
    const missing = Object.keys(declared)
        .filter((name) => !declared[name]!.optional && !schema[name])
        .map((name) => `${path}${name} is needed`);
    return missing.concat(
        Object.entries(schema).flatMap(([name, property]) => {
            const found = declared[name];
            if (!found) return [`${path}${name} does not exist`];
            const isNeeded = property.required === true;
            const need = isNeeded === found.optional ? [`${path}${name} is ${isNeeded ? "not " : ""}needed`] : [];
            return [...need, ...kindDifferences(property, found.type, path + name)];
        }),
    );
}

function kindDifferences({ kind }: Property, type: string, path: string): string[] {
    const nested = /^(inputs(?:\.\w+){1,2})(\[\])?$/.exec(type);
    if (isBlock(kind) && nested && !nested[2]) return differences(kind, aws.nested(nested[1]!), `${path}.`);
    if (isBlockList(kind) && nested?.[2]) return differences(kind[0], aws.nested(nested[1]!), `${path}.`);
    if (kind === "objects" && nested?.[2]) return [];
    const kinds: Record<string, string> = {
        boolean: "boolean",
        number: "integer",
        "string[]": kind === "strings" ? "strings" : "set",
        "{ [key: string]: string; }": "tags",
    };
    // The SDK also accepts a constant or a resource for some strings, alone and in lists.
    if (/^string \| \w+\[\]$/.test(type)) return kind === "set" ? [] : [`${path} is ${type}`];
    const expected = kinds[type] ?? (/^string( \| [\w.]+)*$/.test(type) ? "string" : type);
    return expected === kind ? [] : [`${path} is ${type}`];
}

it.each(Object.entries(RESOURCE_TYPES))("the table of %s matches its provider's declarations", (token, { inputs }) => {
    expect(differences(inputs, aws.args(token))).toEqual([]);
});

it.each(Object.entries(FUNCTIONS))(
    "the arguments of %s are as its provider has published them",
    (token, { inputs }) => {
        expect(differences(inputs, aws.args(token))).toEqual([]);
    },
);

it("the stand-in for command has exactly the inputs of its provider", () => {
    expect(Object.keys(COMMAND).sort()).toEqual(Object.keys(command.args("command:remote/command:Command")).sort());
    const connection = command.nested("inputs.remote.ConnectionArgs");
    const types = Object.entries(connection).map(([name, { type }]) => [
        name,
        type.startsWith("inputs.") ? "object" : type,
    ]);
    expect(CONNECTION).toEqual(Object.fromEntries(types));
    expect({ ...connection, proxy: undefined }).toEqual(command.nested("inputs.remote.ProxyConnectionArgs"));
});

it("the stand-in for tls has exactly the inputs of its provider", () => {
    expect([...PRIVATE_KEY].sort()).toEqual(
        Object.keys(new PublishedTypes("tls").args("tls:index/privateKey:PrivateKey")).sort(),
    );
});
