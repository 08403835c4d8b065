import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Lab, labAt } from "../../lab/lab.ts";
import { STORAGE_AUTHORITY, authorityFile } from "../../lab/services/authority.ts";
import { ensureFerretdb } from "../../lab/storage/build-ferretdb.ts";
import { ferretdbCommand } from "../../lab/storage/ferretdb.ts";
import { storageSettings } from "../../lab/storage/settings.ts";

let lab: Lab;
const saved = { ...process.env };
beforeEach(() => {
    lab = { ...labAt(7), dir: mkdtempSync(join(tmpdir(), "linkmesh-storage-")) };
});
afterEach(() => {
    process.env = { ...saved };
    rmSync(lab.dir, { recursive: true });
});

it("the settings have the password in a file of root's, and LinkMesh finds the CA where linkmeshFiles puts it", () => {
    mkdirSync(join(lab.dir, "storage"));
    writeFileSync(join(lab.dir, "storage/password"), "a/b@c");
    mkdirSync(dirname(authorityFile(lab, STORAGE_AUTHORITY)), { recursive: true });
    writeFileSync(authorityFile(lab, STORAGE_AUTHORITY), "CA\n");
    const settings = storageSettings(lab);
    expect(JSON.stringify(settings)).not.toContain("a/b");
    expect(JSON.parse(settings.linkmeshConfig)).toEqual({
        storage: { backend: "mongodb" },
        gitops: {
            remote: "https://storage.example.test/linkmesh.git",
            caFile: "/etc/linkmesh-proxy/files/storage-ca.pem",
        },
    });
    const { LINKMESH_MONGODB_URI, ...others } = JSON.parse(readFileSync(settings.linkmeshEnvironmentFile, "utf8")) as {
        LINKMESH_MONGODB_URI: string;
    };
    expect(others).toEqual({ LINKMESH_GIT_TOKEN: "a/b@c" });
    const { protocol, username, password, host, pathname, searchParams } = new URL(LINKMESH_MONGODB_URI);
    expect({ protocol, username, password: decodeURIComponent(password), host, pathname }).toEqual({
        protocol: "mongodb:",
        username: "linkmesh",
        password: "a/b@c",
        host: "storage.example.test:27017",
        pathname: "/linkmesh",
    });
    const caFile = searchParams.get("tlsCAFile")!;
    expect(dirname(caFile)).toBe("/etc/linkmesh-proxy/files");
    const files = JSON.parse(readFileSync(settings.linkmeshFilesFile, "utf8")) as Record<string, string>;
    expect(files).toEqual({ [caFile.split("/").at(-1)!]: "CA\n" });
    const several = JSON.parse(readFileSync(settings.severalEnvironmentFile, "utf8")) as Record<string, string>;
    expect(several).toEqual({
        ...{ LINKMESH_MONGODB_URI, ...others },
        LINKMESH_SECRET: expect.stringMatching(/^[\w-]{43}$/) as string,
    });
    expect(storageSettings(lab)).toEqual(settings);
    expect(JSON.parse(readFileSync(settings.severalEnvironmentFile, "utf8"))).toEqual(several);
    const { linkmeshEnvironmentFile, severalEnvironmentFile, linkmeshFilesFile } = settings;
    for (const file of [linkmeshEnvironmentFile, severalEnvironmentFile, linkmeshFilesFile])
        expect(statSync(file).mode & 0o777).toBe(0o600);
});

it("the password is not in the command that every user of the machine can read", () => {
    const { argv, env } = ferretdbCommand("ferretdb", {
        address: "10.77.142.58",
        port: 27017,
        certificateFile: "/lab/server.pem",
        keyFile: "/lab/server.key",
        data: "/lab/db",
        user: "linkmesh",
        password: "geheim",
    });
    expect(argv.join(" ")).not.toContain("geheim");
    expect(Object.values(env)).toEqual(["geheim"]);
});

it("without Go, and without a proxy to fetch it from, one sentence says what to install", async () => {
    process.env = { ...saved, PATH: "/nowhere", GOPROXY: "off", LINKMESH_LAB_CACHE: join(lab.dir, "cache") };
    await expect(ensureFerretdb(() => undefined)).rejects.toThrow(
        /^ferretdb is built with Go, and this machine has no Go [\d.]+ and can fetch none: install Go \(\S+\), or set GOPROXY [^\n]+$/,
    );
});
