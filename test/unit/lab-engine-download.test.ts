import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { strToU8, zipSync } from "fflate";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { fetchRelease } from "../../lab/engine/fetch-release.ts";
import { fetchToolchain } from "../../lab/engine/fetch-go.ts";
import { GO_TOOLCHAIN, GO_VERSION, PULUMI_VERSION } from "../../lab/engine/versions.ts";

const quiet = () => undefined;
let server: Server;
let base: string;
let directory: string;
/** The server's files, by path. */
let files: Record<string, Uint8Array>;
let asked: { path: string; authorization?: string }[];

beforeAll(async () => {
    server = createServer(({ url = "", headers: { authorization } }, response) => {
        asked.push({ path: url, authorization });
        response.statusCode = url in files ? 200 : 404;
        response.end(files[url]);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());
beforeEach(() => {
    files = {};
    asked = [];
    directory = mkdtempSync(join(tmpdir(), "linkmesh-engine-"));
    return () => rmSync(directory, { recursive: true });
});

describe("Go's toolchain", () => {
    const toolchain = {
        module: "golang.org/toolchain",
        version: "v0.0.1-go1.0.linux-amd64",
        // The sum that the `go` command computes for a module with these two files.
        sum: "h1:u5ITisJI36CBi5WZvrJegOVueuKLL4r8t8l8GU5Efmg=",
    };
    const prefix = "golang.org/toolchain@v0.0.1-go1.0.linux-amd64/";
    const path = "/golang.org/toolchain/@v/v0.0.1-go1.0.linux-amd64.zip";
    const zip = (script: string) =>
        zipSync({ [`${prefix}bin/go`]: strToU8(script), [`${prefix}VERSION`]: strToU8("go1.0\n") });
    const script = "#!/bin/sh\necho go1.0\n";

    it("comes from the module proxy, and runs", async () => {
        files[path] = zip(script);
        const go = await fetchToolchain(directory, quiet, `http://${base}`, toolchain);
        expect(execFileSync(go, { encoding: "utf8" })).toBe("go1.0\n");
        expect(readFileSync(join(directory, "VERSION"), "utf8")).toBe("go1.0\n");
    });

    it("with another checksum is not unpacked", async () => {
        files[path] = zip(script.replace("go1.0", "go6.6"));
        await expect(fetchToolchain(directory, quiet, `http://${base}`, toolchain)).rejects.toThrow(
            /no Go .* to fetch \(the module from 127\.0\.0\.1:\d+ has another checksum\): install pulumi .* or Go /,
        );
        expect(existsSync(join(directory, "bin"))).toBe(false);
    });

    it("is requested from each proxy in turn, and a login is sent but not shown", async () => {
        files[`/second${path}`] = zip(script);
        const proxies = `http://user:s%20cret@${base}/first,http://${base}/second/|direct`;
        await fetchToolchain(directory, quiet, proxies, toolchain);
        expect(asked).toEqual([
            { path: `/first${path}`, authorization: `Basic ${btoa("user:s cret")}` },
            { path: `/second${path}`, authorization: undefined },
        ]);
        const nowhere = fetchToolchain(directory, quiet, `http://user:s%20cret@${base}/first`, toolchain);
        await expect(nowhere).rejects.toThrow(/\(127\.0\.0\.1:\d+ answers 404\)/);
        await expect(nowhere).rejects.not.toThrow(/cret/);
    });

    it("cannot be fetched if GOPROXY is off", async () => {
        await expect(fetchToolchain(directory, quiet, "off", toolchain)).rejects.toThrow(/GOPROXY names no proxy/);
    });
});

describe("the released Pulumi CLI", () => {
    const archive = () => {
        mkdirSync(join(directory, "pulumi"));
        writeFileSync(join(directory, "pulumi/pulumi"), "#!/bin/sh\necho v3.0.0\n", { mode: 0o755 });
        writeFileSync(join(directory, "pulumi/pulumi-language-go"), "");
        return execFileSync("tar", ["-czf", "-", "-C", directory, "pulumi"]);
    };
    const sum = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");
    const target = () => join(directory, "new/pulumi");
    const fetchIt = (sha256: string) => fetchRelease(target(), quiet, new URL(`http://${base}/pulumi.tar.gz`), sha256);

    it("is fetched, and runs", async () => {
        files["/pulumi.tar.gz"] = archive();
        mkdirSync(join(directory, "new"));
        expect(await fetchIt(sum(files["/pulumi.tar.gz"]))).toBe(true);
        expect(execFileSync(target(), { encoding: "utf8" })).toBe("v3.0.0\n");
        expect(existsSync(join(directory, "new/pulumi-language-go"))).toBe(false);
    });

    it("is not used if it cannot be fetched or has another checksum", async () => {
        expect(await fetchIt(sum(strToU8("")))).toBe(false);
        files["/pulumi.tar.gz"] = archive();
        expect(await fetchIt(sum(strToU8("something else")))).toBe(false);
        expect(existsSync(target())).toBe(false);
    });
});

it("the pinned versions are those of go.mod", () => {
    const module = readFileSync(join(import.meta.dirname, "../../lab/engine/go/go.mod"), "utf8");
    expect(/^go (\S+)$/m.exec(module)?.[1]).toBe(GO_VERSION);
    expect(/^\tgithub\.com\/pulumi\/pulumi\/pkg\/v3 v(\S+)/m.exec(module)?.[1]).toBe(PULUMI_VERSION);
    expect(GO_TOOLCHAIN.version).toBe(`v0.0.1-go${GO_VERSION}.linux-amd64`);
});
