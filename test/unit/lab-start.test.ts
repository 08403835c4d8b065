import { execa } from "execa";
import {
    copyFileSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    rmSync,
    symlinkSync,
    utimesSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

const REPOSITORY = join(import.meta.dirname, "../..");

/** A checkout whose command prints a word from a source, and a word from a file beside another source. */
let root: string;
beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "lab-start-"));
    mkdirSync(join(root, "node_modules"));
    mkdirSync(join(root, "lab/part"), { recursive: true });
    symlinkSync(join(REPOSITORY, "node_modules/esbuild"), join(root, "node_modules/esbuild"));
    for (const file of ["lab/start.js", "lab/command.js", "bundle.js", "installed.js"])
        copyFileSync(join(REPOSITORY, file), join(root, file));
    write("package.json", '{ "type": "module" }');
    write("lab/word.ts", 'export const WORD: string = "first";');
    write("lab/part/beside.txt", "beside");
    write(
        "lab/part/part.ts",
        `import { readFileSync } from "node:fs";
        export const besides = [
            readFileSync(new URL("beside.txt", import.meta.url), "utf8"),
            readFileSync(import.meta.dirname + "/beside.txt", "utf8"),
            "import.meta.url",
        ];`,
    );
    write(
        "lab/cli.ts",
        `import { WORD } from "./word.ts";
        export async function main(args: string[]): Promise<void> {
            if (args[0] === "fail") throw new Error("failed");
            const { besides } = await import("./part/part.ts");
            console.log(WORD, ...besides, ...args);
        }`,
    );
});
afterEach(() => rmSync(root, { recursive: true }));

function write(file: string, text: string): void {
    writeFileSync(join(root, file), text);
}

const start = (...args: string[]) => execa(process.execPath, [join(root, "lab/start.js"), ...args], { reject: false });

const cache = () => join(root, "node_modules/.cache/linkmesh-proxy/lab-cli-ts");

function bundles(): string[] {
    return readdirSync(cache()).filter((name) => name.startsWith("bundle-"));
}

/** As if the bundles had been used last some days ago. */
function age(): void {
    for (const name of bundles()) utimesSync(join(cache(), name), new Date(0), new Date(0));
}

it("runs the command from a bundle, which is made once and finds the files beside its sources", async () => {
    expect((await start("a", "b")).stdout).toBe("first beside beside import.meta.url a b");
    expect((await start()).stdout).toBe("first beside beside import.meta.url");
    expect(bundles()).toHaveLength(1);
});

it("the next command uses a changed source, even one that is loaded late, and notices a removed one", async () => {
    await start();
    write("lab/word.ts", 'export const WORD: string = "other";');
    expect((await start()).stdout).toMatch(/^other beside/);
    write("lab/part/part.ts", 'export const besides = ["changed"];');
    expect((await start()).stdout).toBe("other changed");
    rmSync(join(root, "lab/word.ts"));
    expect(await start()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("./word.ts") as string });
});

it("a copy of the checkout uses its own files", async () => {
    await start();
    const copy = mkdtempSync(join(tmpdir(), "lab-start-"));
    try {
        await execa("cp", ["-a", `${root}/.`, copy]);
        writeFileSync(join(copy, "lab/part/beside.txt"), "copied");
        expect((await execa(process.execPath, [join(copy, "lab/start.js")])).stdout).toMatch(/^first copied copied/);
    } finally {
        rmSync(copy, { recursive: true });
    }
});

it("a stack trace names the source and its line", async () => {
    expect((await start("fail")).stderr).toContain(`${root}/lab/cli.ts:3`);
});

it("a bundle that was removed is made again", async () => {
    await start();
    for (const name of bundles()) rmSync(join(cache(), name), { recursive: true });
    expect((await start()).stdout).toMatch(/^first beside/);
});

it("commands that start at once remove old bundles and do not fail", async () => {
    for (let i = 0; i < 3; i++) {
        write("lab/word.ts", `export const WORD: string = "round-${i}";`);
        await start();
    }
    age();
    write("lab/word.ts", 'export const WORD: string = "last";');
    const all = await Promise.all([start(), start(), start(), start()]);
    expect(all.map(({ stdout, stderr }) => stdout.split(" ")[0] + stderr)).toEqual(["last", "last", "last", "last"]);
    expect(bundles().length).toBeLessThan(5);
});

it("a bundle that is in use stays, however old it is", async () => {
    await start();
    const [used] = bundles();
    age();
    await start();
    write("lab/word.ts", 'export const WORD: string = "other";');
    await start();
    expect(bundles()).toContain(used);
});
