import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SCRIPTS, SOURCE_FUNCTIONS } from "./files.ts";

// A process with files open in every way, and a "data volume" on another file system than the rest.
let disk: string;
let volume: string;
let log: string;
let temporary: string;
let other: ChildProcess;

beforeAll(() => {
    disk = mkdtempSync("/var/lib/linkmesh-elsewhere-");
    volume = mkdtempSync("/dev/shm/linkmesh-elsewhere-");
    log = mkdtempSync("/var/log/linkmesh-elsewhere-");
    temporary = mkdtempSync("/tmp/linkmesh-elsewhere-");
    const files = [
        openSync(join(volume, "state.db"), "a+"),
        openSync(join(disk, "state.db"), "a+"),
        openSync(join(disk, "written only"), "w"),
        openSync(join(disk, "state.db"), "r"),
        openSync(join(disk, "deleted"), "w"),
        openSync(join(log, "server.log"), "a"),
        openSync(join(temporary, "file"), "w"),
        openSync("/dev/null", "w"),
    ];
    unlinkSync(join(disk, "deleted"));
    // Node.js has files without a name open as well.
    other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], {
        stdio: ["ignore", "ignore", "ignore", ...files],
    });
    for (const file of files) closeSync(file);
});

afterAll(() => {
    other.kill();
    for (const path of [disk, volume, log, temporary]) rmSync(path, { recursive: true, force: true });
});

/** What a function of the scripts prints, about that process in LinkMesh's place. */
function run(command: string, data = volume) {
    const script = `${SOURCE_FUNCTIONS}
        DATA=${data}
        fail() { echo "error: $*"; exit 1; }
        linkmesh_pids() { echo ${other.pid}; }
        ${command}`;
    const { status, stdout, stderr } = spawnSync("bash", ["-c", script], { cwd: SCRIPTS, encoding: "utf8" });
    return { status, stderr, lines: stdout.split("\n").filter((line) => line !== "") };
}

test("what LinkMesh has open for writing outside the data volume is found, except logs and temporary files", () => {
    const lines = [join(disk, "state.db"), join(disk, "written only")];
    expect(run("written_elsewhere")).toEqual({ status: 0, stderr: "", lines });
});

test("nothing is found when all files are on the volume", () =>
    expect(run("written_elsewhere", disk)).toEqual({ status: 0, stderr: "", lines: [] }));

test("a file that was known before is left out", () => {
    const lines = [join(disk, "written only")];
    expect(run(`written_elsewhere '${join(disk, "state.db")}'`)).toEqual({ status: 0, stderr: "", lines });
});

test("the error names the file, the setting and what to do", () => {
    const { status, lines } = run(`refuse_elsewhere '' "the old config.yaml is in place again"; echo went on`);
    expect(lines).toEqual([
        `error: LinkMesh writes ${disk}/state.db, which is not on the data volume and would go with the machine, so the old config.yaml is in place again: set linkmeshConfig to a place below linkmeshDataPaths, or add ${disk} to linkmeshDataPaths, and run pulumi up again.`,
    ]);
    expect(status).toBe(1);
});

test("files that were all known before are no error", () => {
    const { status, lines } = run('refuse_elsewhere "$(written_elsewhere)" x; echo went on');
    expect({ status, lines }).toEqual({ status: 0, lines: ["went on"] });
});
