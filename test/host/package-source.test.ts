import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { aptLogin, aptSource } from "../../components/host/render/apt.ts";
import { SCRIPTS, SOURCE_FUNCTIONS } from "../scripts/files.ts";

// Where the step `package` gets the package from, with real curl and apt: what it asks for, and that nobody sees with
// which login.

const run = promisify(execFile);
const PACKAGE = "a package";
const SUM = createHash("sha256").update(PACKAGE).digest("hex");
const SECRETS = ["pass-word", "s3cr3t", "Signature"];
const QUERY = "X-Amz-Signature=s3cr3t&part=[1-9]&other={a,b}";

let folder: string;
let server: Server;
let port: number;
let asked: IncomingMessage[] = [];
beforeAll(async () => {
    server = createServer((request, response) => {
        asked.push(request);
        const login = `Basic ${Buffer.from("some@user:pass-word").toString("base64")}`;
        if (request.url!.startsWith("/moved")) {
            response.writeHead(302, { location: `http://127.0.0.1:1/${"x.deb?Signature=s3cr3t"}` }).end();
        } else if (request.headers.authorization !== login && !request.url!.includes("s3cr3t")) {
            response.writeHead(401, { "www-authenticate": 'Basic realm="packages"' }).end();
        } else response.end(PACKAGE);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    port = (server.address() as AddressInfo).port;
});
afterAll(() => void server.close());
beforeEach(() => {
    asked = [];
    folder = mkdtempSync(join(tmpdir(), "package-"));
    mkdirSync(join(folder, "files"));
    mkdirSync(join(folder, "packages"));
    return () => rmSync(folder, { recursive: true });
});

/** Runs a part of the step's script with these files of the step. */
async function step(code: string, files: Record<string, string>) {
    for (const [name, text] of Object.entries(files))
        writeFileSync(join(folder, "files", name), text === "" ? "" : `${text}\n`);
    mkdirSync(join(folder, "work/kept"), { recursive: true });
    writeFileSync(join(folder, "work/no-error-yet"), "");
    const script = `${SOURCE_FUNCTIONS}; source ./package.sh; set +e; trap - ERR
        FILES=${folder}/files WORK=${folder}/work PACKAGES=${folder}/packages NAME=${SUM}
        SOURCE=${folder}/etc/linkmesh.list SOURCE_KEY=${folder}/etc/linkmesh.asc SOURCE_LOGIN=${folder}/etc/auth/linkmesh.conf
        curl() { printf '%s\\n' "$@" >"${folder}/arguments"; command curl --retry 0 "$@" --retry 0; }
        dpkg-deb() { echo linkmesh-server; }
        of_this_architecture() { true; }
        ${code}`;
    return run("bash", ["-c", script], { cwd: SCRIPTS }).then(
        ({ stdout, stderr }) => stdout + stderr,
        (error: unknown) => {
            const { stdout, stderr } = error as { stdout: string; stderr: string };
            return stdout + stderr;
        },
    );
}

describe("the URL of a package", () => {
    test("is requested unchanged, with its login, which no list of arguments shows", async () => {
        const url = `http://some%40user:pass-word@127.0.0.1:${port}/a.deb?${QUERY}`;
        expect(await step("fetch_from_url", { "deb-url": url })).toBe("");
        expect(readFileSync(join(folder, "work/wanted.deb"), "utf8")).toBe(PACKAGE);
        expect(asked.map((request) => request.url)).toEqual([`/a.deb?${QUERY}`]);
        expect(asked[0]!.headers.authorization).toMatch(/^Basic /);
        const seen = readFileSync(join(folder, "arguments"), "utf8");
        for (const secret of [...SECRETS, "some", "127.0.0.1"]) expect(seen).not.toContain(secret);
    });

    test("may contain characters that are special in curl's configuration", async () => {
        expect(await step("fetch_from_url", { "deb-url": `http://127.0.0.1:${port}/a.deb?s3cr3t=a\\tb"c` })).toBe("");
        expect(asked.map((request) => request.url)).toEqual(['/a.deb?s3cr3t=a\\tb"c']);
    });

    test.each<[string, (port: number) => string, string]>([
        ["a wrong login", (at) => `http://me:pass-word@127.0.0.1:${at}/a.deb`, "error: 401"],
        ["no answer", () => "http://me:pass-word@127.0.0.1:1/a.deb?Signature=s3cr3t", "Failed to connect"],
        ["a redirect that leads nowhere", (at) => `http://127.0.0.1:${at}/moved?Signature=s3cr3t`, "Failed to connect"],
        ["a scheme that curl lacks", () => "nothing://me:pass-word@127.0.0.1/a.deb?Signature=s3cr3t", "nothing"],
        ["another checksum", (at) => `http://127.0.0.1:${at}/a.deb?Signature=s3cr3t`, "has the checksum"],
        ["what curl says itself", () => "https://me:pass-word@h.example/a.deb?Signature=s3cr3t", "(9) denied"],
    ])("%s: the error says so without the login", async (what, url, sentence) => {
        const before: Record<string, string> = {
            "another checksum": "NAME=0",
            "what curl says itself": `curl() { echo "curl: (9) denied: $(cat "$FILES/deb-url")" >&2; return 9; }`,
        };
        const output = await step(`${before[what] ?? ""}\nfetch_from_url`, { "deb-url": url(port) });
        expect(output).toMatch(/^error: linkmeshDeb(Url|Sha256): .*\.\n$/);
        expect(output).toContain(sentence);
        for (const secret of SECRETS) expect(output).not.toContain(secret);
    });
});

test("only root can read a step's files, whoever may enter the folder around them", async () => {
    const code = `STATE=${folder} STEP=package; unpack() { true; }; main() { chmod 0711 "$WORK"; stat -c %a "$FILES"; }; start`;
    expect(await step(code, {})).toBe("700\n");
});

describe("an APT source with a login", () => {
    const files = (source: string) => ({
        "apt-source": aptSource(source),
        "apt-auth": aptLogin(source).trimEnd(),
        "apt-key.asc": "a key",
    });
    const read = (name: string) => readFileSync(join(folder, "etc", name), "utf8");
    const SOURCE = "https://me:pass-word@apt.example.com/debian stable main";

    test("has it in a file that only root can read, and not in the public list", async () => {
        expect(await step("install_source", files(SOURCE))).toBe("");
        expect(read("linkmesh.list")).toBe(
            `deb [signed-by=${folder}/etc/linkmesh.asc] https://apt.example.com/debian stable main\n`,
        );
        expect(read("auth/linkmesh.conf")).toBe("machine https://apt.example.com/debian login me password pass-word\n");
        expect(statSync(join(folder, "etc/auth/linkmesh.conf")).mode & 0o777).toBe(0o600);
    });

    test("has no such file once the login is removed", async () => {
        await step("install_source", files(SOURCE));
        expect(await step("install_source", files("https://apt.example.com/debian ./"))).toBe("");
        expect(existsSync(join(folder, "etc/auth/linkmesh.conf"))).toBe(false);
    });

    test("that does not work leaves the former one, with its login and its mode", async () => {
        await step("install_source", files(SOURCE));
        const broken = files("https://you:other@apt.example.com/debian ./");
        const output = await step(
            `STEP=package; trap finish EXIT
            apt_get() { fail "no source"; }; install_source; fetch_from_source`,
            broken,
        );
        expect(output).toBe("error: no source\n");
        expect(read("auth/linkmesh.conf")).toContain("login me password pass-word");
        expect(statSync(join(folder, "etc/auth/linkmesh.conf")).mode & 0o777).toBe(0o600);
        expect(read("linkmesh.list")).toContain("stable main");
    });

    test.each([
        ["a user and a password", "some%40user:pass-word"],
        ["signs in it that a URL has to encode", "some%40user:p%22a%5Cs%23%2F%3A%40s"],
        ["a token alone", "t0ken-s3cr3t"],
    ])("is known to apt by that file: %s", async (_, login) => {
        const conf = join(folder, "login.conf");
        writeFileSync(conf, aptLogin(`http://${login}@127.0.0.1:${port}/debian stable main`), { mode: 0o600 });
        const url = `http://127.0.0.1:${port}/debian/s3cr3t`;
        const options = ["-o", `Dir::Etc::netrcparts=${folder}`, "-o", "Acquire::Retries=0"];
        await run("/usr/lib/apt/apt-helper", [...options, "download-file", url, join(folder, "fetched")]);
        const [user, password = ""] = login.split(":").map(decodeURIComponent);
        const basic = Buffer.from(`${user}:${password}`).toString("base64");
        expect(asked.map(({ headers }) => headers.authorization)).toContain(`Basic ${basic}`);
    });
});
