import {
    existsSync,
    lstatSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    readdirSync,
    realpathSync,
    rmSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { findPulumi } from "../../lab/engine/find-pulumi.ts";
import { linkRealPlugins, standInPackages } from "../../lab/commands/plugins.ts";
import { labAt } from "../../lab/lab.ts";
import { writePlugins } from "../../lab/providers/index.ts";

const PLUGIN = "resource-command-v1.2.1";
const BINARY = "pulumi-resource-command";

let root: string;
/** The user's Pulumi home, and the lab's. */
let users: string;
let labs: string;

beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "linkmesh-plugins-"));
    users = join(root, "user");
    labs = join(root, "lab");
    for (const home of [users, labs]) mkdirSync(join(home, "plugins"), { recursive: true });
    vi.stubEnv("PULUMI_HOME", users);
    vi.stubEnv("PATH", "");
});

afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(root, { recursive: true });
});

function install(): void {
    mkdirSync(join(users, "plugins", PLUGIN), { recursive: true });
    for (const file of [BINARY, "README.md"]) writeFileSync(join(users, "plugins", PLUGIN, file), `the user's ${file}`);
}

/** Everything below a directory, with the text of each file and the target of each link. */
function tree(dir: string): Record<string, string> {
    const names = readdirSync(dir, { recursive: true, encoding: "utf8" }).sort();
    return Object.fromEntries(
        names.map((name) => {
            const file = join(dir, name);
            const stat = lstatSync(file);
            return [name, stat.isFile() ? readFileSync(file, "utf8") : stat.isDirectory() ? "directory" : "link"];
        }),
    );
}

const own = (...parts: string[]) => join(labs, "plugins", ...parts);

/** Prepares plugins as `lab up` does, or as `lab env`, which serves the stand-ins by executables. */
async function session(command: "up" | "env"): Promise<void> {
    linkRealPlugins(labs);
    if (command === "env") await writePlugins(own(), labAt(0), standInPackages());
}

test("reading the CLI's version writes nothing to the user's Pulumi home", async () => {
    const script =
        '#!/bin/sh\nPATH=/usr/bin:/bin; mkdir -p "$PULUMI_HOME/logs"; touch "$PULUMI_HOME/logs/version.log"; echo v3.259.0\n';
    writeFileSync(join(root, "pulumi"), script, { mode: 0o755 });
    vi.stubEnv("PATH", [root, "/usr/bin"].join(delimiter));
    expect(await findPulumi(root)).toMatchObject({ version: "3.259.0", origin: "PATH" });
    expect(tree(users)).toEqual({ plugins: "directory" });
});

test("an installed plugin is found by the lab's engine, in a directory of its own", async () => {
    install();
    await session("up");
    expect(standInPackages()).toEqual(["aws", "tls"]);
    expect(lstatSync(own(PLUGIN)).isDirectory()).toBe(true);
    expect(readFileSync(own(PLUGIN, BINARY), "utf8")).toBe(`the user's ${BINARY}`);
});

test.each([
    ["a directory that the lab made", () => undefined],
    [
        "the link that an earlier lab made",
        () => {
            rmSync(own(PLUGIN), { recursive: true });
            symlinkSync(join(users, "plugins", PLUGIN), own(PLUGIN));
        },
    ],
])("nothing is written to the user's plugins, through %s", async (_, prepare) => {
    install();
    const before = tree(users);
    await session("up");
    prepare();
    // As if the plugin is missing: of another version, or incomplete.
    await writePlugins(own(), labAt(0));
    expect(tree(users)).toEqual(before);
    expect(readFileSync(own(PLUGIN, BINARY), "utf8")).toMatch(/^#!\/bin\/sh\nexec /);
    await session("env");
    expect(realpathSync(own(PLUGIN, BINARY))).toBe(realpathSync(join(users, "plugins", PLUGIN, BINARY)));
    expect(tree(users)).toEqual(before);
});

test.each([
    ["is removed", () => rmSync(join(users, "plugins", PLUGIN), { recursive: true })],
    ["is not installed to the end", () => writeFileSync(join(users, "plugins", `${PLUGIN}.partial`), "")],
    [
        "becomes a link that leads nowhere",
        () => {
            rmSync(join(users, "plugins", PLUGIN), { recursive: true });
            symlinkSync(join(root, "nowhere"), join(users, "plugins", PLUGIN));
        },
    ],
])("the stand-in replaces a plugin that %s", async (_, change) => {
    install();
    await session("up");
    change();
    const before = tree(users);
    await session("up");
    expect(existsSync(own(PLUGIN))).toBe(false);
    await session("env");
    expect(readFileSync(own(PLUGIN, BINARY), "utf8")).toMatch(/^#!\/bin\/sh\nexec /);
    expect(standInPackages()).toContain("command");
    expect(tree(users)).toEqual(before);
});

test("a plugin that is installed later replaces the stand-in, which otherwise stays for open shells", async () => {
    await session("env");
    const standIn = tree(own(PLUGIN));
    await session("up");
    expect(tree(own(PLUGIN))).toEqual(standIn);
    install();
    await session("up");
    expect(tree(own(PLUGIN))).toEqual({ [BINARY]: "link", "README.md": "link" });
});

test("in a shell that has evaluated `lab env` the lab's own directory stays unchanged", async () => {
    install();
    await session("env");
    const before = tree(labs);
    vi.stubEnv("PULUMI_HOME", labs);
    await session("env");
    expect(standInPackages()).toEqual(["aws", "tls"]);
    expect(tree(labs)).toEqual(before);
});
