import { readFileSync, readdirSync } from "node:fs";
import { join, normalize } from "node:path";
import { preProcessFile } from "typescript";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
/** All but what is installed or built. */
const FOLDERS = readdirSync(ROOT, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !/^(\.|node_modules$|dist$)/.test(entry.name))
    .map(({ name }) => name);

/** The files that a file imports, also for their types only. */
function importsOf(file: string): string[] {
    return preProcessFile(readFileSync(join(ROOT, file), "utf8"))
        .importedFiles.filter(({ fileName }) => fileName.startsWith(".") && fileName.endsWith(".ts"))
        .map(({ fileName }) => normalize(join(file, "..", fileName)));
}

/** The first path found from each file back to itself, as "a.ts → b.ts → a.ts". */
function circles(imports: ReadonlyMap<string, string[]>): string[] {
    const found: string[] = [];
    const path: string[] = [];
    const done = new Set<string>();
    const visit = (file: string) => {
        if (path.includes(file)) return void found.push([...path.slice(path.indexOf(file)), file].join(" → "));
        if (done.has(file)) return;
        path.push(file);
        for (const next of imports.get(file) ?? []) visit(next);
        path.pop();
        done.add(file);
    };
    for (const file of imports.keys()) visit(file);
    return found;
}

it("no file imports itself by way of others", () => {
    const files = FOLDERS.flatMap((folder) =>
        readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
            .filter((name) => name.endsWith(".ts") && !name.includes("node_modules"))
            .map((name) => join(folder, name)),
    );
    expect(files.length).toBeGreaterThan(500);
    expect(circles(new Map(files.map((file) => [file, importsOf(file)])))).toEqual([]);
});
