import { type ChildProcess, execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { POLICIES } from "../../policy/policies.ts";
import { copyCheckout } from "../checkout.ts";
import { startPlugin } from "./plugin.ts";
import { startPolicyPack } from "./policy-pack.ts";

const ROOT = join(import.meta.dirname, "../..");
const require = createRequire(import.meta.url);
const { ResourceProviderClient } = require("@pulumi/pulumi/proto/provider_grpc_pb.js") as {
    ResourceProviderClient: new (address: string, credentials: grpc.ChannelCredentials) => ProviderClient;
};
const { GetSchemaRequest } = require("@pulumi/pulumi/proto/provider_pb.js") as { GetSchemaRequest: new () => object };

interface ProviderClient extends grpc.Client {
    getSchema(request: object, done: (error: Error | null, response: { getSchema(): string }) => void): void;
}

/** A clone whose root holds what npm installs from git: the packed package, and its dependencies by links. */
let clone: string;

beforeAll(() => {
    clone = mkdtempSync(join(tmpdir(), "linkmesh-package-"));
    // As for an install from git; the checkout's own .npmrc leaves scripts out.
    const source = join(clone, "source");
    copyCheckout(source);
    symlinkSync(join(ROOT, "node_modules"), join(source, "node_modules"));
    execFileSync("npm", ["pack", "--ignore-scripts=false", "--pack-destination", clone], {
        cwd: source,
        stdio: "pipe",
    });
    const installed = join(clone, "node_modules/linkmesh-proxy");
    mkdirSync(installed, { recursive: true });
    const { version, dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
        version: string;
        dependencies: Record<string, string>;
    };
    const tarball = join(clone, `linkmesh-proxy-${version}.tgz`);
    execFileSync("tar", ["-xzf", tarball, "--strip-components=1", "-C", installed]);
    // The folder of types is linked as a whole.
    for (const name of Object.keys(dependencies).filter((name) => !name.startsWith("@types/"))) {
        const link = join(clone, "node_modules", name);
        mkdirSync(dirname(link), { recursive: true });
        symlinkSync(join(ROOT, "node_modules", name), link);
    }
    symlinkSync(join(ROOT, "node_modules/@types"), join(clone, "node_modules/@types"));
    for (const part of ["components", "plugin", "tsconfig.json"]) {
        cpSync(join(ROOT, part), join(clone, part), { recursive: true });
    }
    cpSync(join(installed, "dist"), join(clone, "dist"), { recursive: true });
    const example = join(clone, "example");
    cpSync(join(ROOT, "examples/typescript"), example, {
        recursive: true,
        filter: (path) => !path.includes("node_modules"),
    });
});

afterAll(() => rmSync(clone, { recursive: true, force: true }));

test("plain Node imports it, with the machine's scripts and without the lab or the tests", () => {
    const script = 'import("linkmesh-proxy").then((all) => console.log(Object.keys(all).join()))';
    const text = execFileSync(process.execPath, ["-e", script], { cwd: clone, encoding: "utf8" });
    expect(text.trim().split(",")).toEqual(expect.arrayContaining(["LinkMesh", "LinkMeshProxy", "parseSettings"]));
    const names = execFileSync("ls", [join(clone, "node_modules/linkmesh-proxy")], { encoding: "utf8" });
    expect(names.trim().split("\n")).toEqual(["LICENSE", "README.md", "dist", "package.json"]);
});

test("the example compiles with the types of the package, and a wrong argument does not", () => {
    const config = {
        compilerOptions: { module: "nodenext", strict: true, noEmit: true, skipLibCheck: true, types: ["node"] },
    };
    writeFileSync(join(clone, "example/tsconfig.json"), JSON.stringify(config));
    writeFileSync(
        join(clone, "example/wrong.ts"),
        'import { LinkMesh } from "linkmesh-proxy";\n' +
            '// @ts-expect-error: it is called domain.\nnew LinkMesh("x", { domian: "a.example", sshAllowedCidrs: [] });\n',
    );
    const tsc = join(ROOT, "node_modules/typescript-7/bin/tsc");
    execFileSync(process.execPath, [tsc, "-p", join(clone, "example")], { encoding: "utf8" });
});

// In the package it is one file; in a clone, tsx loads its modules.
test.each([
    ["of the package", () => join(clone, "node_modules/linkmesh-proxy/dist/policy")],
    ["of a clone", () => join(ROOT, "policy")],
])("the policy pack %s starts as the CLI starts it, and has its policies", async (_, dir) => {
    const pack = await startPolicyPack(dir());
    try {
        expect(await pack.policies()).toEqual(POLICIES.map(({ name }) => name));
    } finally {
        await pack.stop();
    }
});

describe("the component package", () => {
    let provider: ChildProcess;
    afterAll(() => void provider.kill());

    test("starts as the language host starts it, and returns the golden schema", async () => {
        const plugin = await startPlugin(clone);
        provider = plugin.process;
        const client = new ResourceProviderClient(`127.0.0.1:${plugin.port}`, grpc.credentials.createInsecure());
        const schema = await new Promise<string>((resolve, reject) => {
            client.getSchema(new GetSchemaRequest(), (error, response) =>
                error ? reject(error) : resolve(response.getSchema()),
            );
        });
        client.close();
        const golden = readFileSync(join(ROOT, "test/unit/golden/component-schema.json"), "utf8");
        expect(JSON.parse(schema)).toEqual(JSON.parse(golden));
    });
});
