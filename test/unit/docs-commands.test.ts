import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { SETTINGS } from "../../components/settings/settings.ts";

const ROOT = join(import.meta.dirname, "../..");

/** What users read, and copy commands from; texts of errors, too. */
const files = [".", "docs", "examples", "components", "checks", "lab"]
    .flatMap((dir) =>
        readdirSync(join(ROOT, dir), { recursive: dir !== ".", encoding: "utf8" }).map((f) => join(dir, f)),
    )
    .filter((name) => /\.(md|ts|sh|yaml)$/.test(name));
const commands = files.flatMap((file) =>
    [...readFileSync(join(ROOT, file), "utf8").matchAll(/\bpulumi (?!-)[^`"\n]*/g)].map(([text]) => `${file}: ${text}`),
);

test("no command of the documents leaves a setting in the stack's configuration by --config, which keeps wrong ones too", () => {
    expect(commands.length).toBeGreaterThan(80);
    expect(commands.filter((command) => / --config[ =]/.test(command))).toEqual([]);
});

test("`pulumi config` is shown with names of settings", () => {
    const names = commands.flatMap((command) => {
        const [, name] = /pulumi config (?:set|rm) (?:--\w+ )*([\w.:]+)/.exec(command) ?? [];
        return name === undefined || /^(NAME|aws:region)$/.test(name) ? [] : [name.split(".")[0]!];
    });
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !Object.hasOwn(SETTINGS, name))).toEqual([]);
});

test("each npm script that is shown exists", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
        scripts: Record<string, string>;
    };
    const shown = files.flatMap((file) => [
        ...readFileSync(join(ROOT, file), "utf8").matchAll(/\bnpm run (?:--silent )?([a-z][a-z:-]*)/g),
    ]);
    expect(shown.length).toBeGreaterThan(50);
    expect(shown.map(([, name]) => name!).filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
});

test("each link of the documents leads to a file, and to a heading of it", () => {
    const pages = files.filter((file) => file.endsWith(".md"));
    const links = pages.flatMap((page) =>
        [...readFileSync(join(ROOT, page), "utf8").matchAll(/\]\((?!https?:)([^)#\s]*)(#[^)\s]+)?\)/g)].map(
            ([, path, anchor]) => ({ page, target: path === "" ? page : join(dirname(page), path!), anchor }),
        ),
    );
    expect(links.length).toBeGreaterThan(60);
    const broken = links.filter(({ target, anchor }) => !leads(target, anchor));
    expect(broken).toEqual([]);
});

function leads(target: string, anchor: string | undefined): boolean {
    if (!existsSync(join(ROOT, target))) return false;
    if (anchor === undefined) return true;
    const headings = readFileSync(join(ROOT, target), "utf8").matchAll(/^#+ (.*)$/gm);
    // As GitHub makes them.
    const anchors = [...headings].map(([, text]) =>
        text!
            .toLowerCase()
            .replace(/[^\w\s-]/g, "")
            .replace(/ /g, "-"),
    );
    return anchors.includes(anchor.slice(1));
}
