import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import ts from "typescript";

const require = createRequire(import.meta.url);

/** A property as a package's type declarations have it: optional or not, and its type without Input and undefined. */
export interface Declared {
    optional: boolean;
    type: string;
}

/** The interfaces of a Pulumi package's SDK, which are made from the provider's published schema. */
export class PublishedTypes {
    readonly #root: string;
    readonly #texts = new Map<string, string>();

    constructor(name: string) {
        this.#root = dirname(require.resolve(`@pulumi/${name}/package.json`));
    }

    /** Of the resource or function of a token, as "aws:ec2/vpc:Vpc". */
    args(token: string): Record<string, Declared> {
        const [, file = "", name = ""] = token.split(":");
        // What is in "index" stands in the package's own directory.
        const path = `${file.replace(/^index\//, "")}.d.ts`;
        const takesNothing = new RegExp(`^export declare function ${name}\\(opts\\?`, "m").test(this.#read(path));
        return takesNothing ? {} : this.#interface(path, `${name[0]!.toUpperCase()}${name.slice(1)}Args`);
    }

    /** Of a nested type, as "inputs.ec2.InstanceRootBlockDevice". */
    nested(type: string): Record<string, Declared> {
        const [, namespace = "", name = ""] = type.split(".");
        return this.#interface("types/input.d.ts", name, `namespace ${namespace} {`);
    }

    /** Only the interface is parsed: the file of nested types has megabytes. */
    #interface(path: string, name: string, after = ""): Record<string, Declared> {
        const text = this.#read(path);
        const start = text.indexOf(`interface ${name} {`, text.indexOf(after));
        if (start < 0) throw new Error(`${path} has no interface ${name}`);
        const end = /^( *)\}$/m.exec(text.slice(start))!;
        const source = ts.createSourceFile(path, text.slice(start, start + end.index + end[0].length), 99);
        const [declaration] = source.statements;
        if (!declaration || !ts.isInterfaceDeclaration(declaration)) throw new Error(`${name} is no interface`);
        const members = declaration.members.filter(ts.isPropertySignature);
        return Object.fromEntries(
            members.map((member) => [
                member.name.getText(source),
                { optional: member.questionToken !== undefined, type: plain(member.type!.getText(source)) },
            ]),
        );
    }

    #read(path: string): string {
        const text = this.#texts.get(path) ?? readFileSync(join(this.#root, path), "utf8");
        this.#texts.set(path, text);
        return text;
    }
}

/** "pulumi.Input<pulumi.Input<string>[] | undefined>" is "string[]". */
function plain(type: string): string {
    const inner = /^pulumi\.Input<([^]*)>$/.exec(type.replace(/ \| undefined\b/g, "").trim());
    return inner
        ? plain(inner[1]!)
        : type
              .replace(/ \| undefined\b/g, "")
              .replace(/pulumi\.Input<([^<>]+)>/g, "$1")
              .replace(/\s+/g, " ");
}
