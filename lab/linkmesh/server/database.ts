import { spawnSync } from "node:child_process";
import { closeSync, fdatasyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { EXIT, Failure, systemReason } from "./failure.ts";
import { log } from "./log.ts";

/** One line of the database. Records are only added. The server computes its state from them when it opens the file. */
export type StoredRecord = { type: string } & Record<string, unknown>;

/**
 * The database: a file of JSON lines that one process at a time can open. As in BoltDB, the lock is flock(2) on the
 * database file, so it always ends with the process, and `flock` in a shell sees it.
 */
export class Database {
    private constructor(
        readonly path: string,
        private readonly fd: number,
        readonly records: readonly StoredRecord[],
    ) {}

    /**
     * Opens the file, or makes it, and takes the lock without waiting.
     *
     * @throws {Failure} if another process has it open, if it cannot be opened, or if it is not a database
     */
    static open(path: string): Database {
        let fd: number;
        try {
            mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
            fd = openSync(path, "a+", 0o600);
        } catch (error) {
            throw new Failure(`cannot open the database ${path}: ${systemReason(error)}`);
        }
        try {
            lock(fd, path);
            return new Database(path, fd, load(fd, path));
        } catch (error) {
            closeSync(fd);
            throw error;
        }
    }

    /** Adds a record. A durable record is on disk when this returns. Others survive only a crash of the process. */
    append(record: StoredRecord, options: { durable: boolean }): void {
        writeSync(this.fd, `${JSON.stringify(record)}\n`);
        if (options.durable) fdatasyncSync(this.fd);
    }

    /** Closes the file and releases the lock. */
    close(): void {
        closeSync(this.fd);
    }
}

/** Locks the file. flock(1) locks the open file description that it inherits, so this process keeps the lock. */
function lock(fd: number, path: string): void {
    const result = spawnSync("flock", ["--exclusive", "--nonblock", "3"], { stdio: ["ignore", "ignore", "pipe", fd] });
    if (result.status === 0) return;
    if (result.status === 1) {
        throw new Failure(
            `the database ${path} is in use by another process: stop linkmesh-server first (systemctl stop linkmesh-server)`,
            EXIT.busy,
        );
    }
    const reason = result.error ? systemReason(result.error) : result.stderr.toString().trim();
    throw new Failure(`cannot lock the database ${path} with flock: ${reason}`);
}

function load(fd: number, path: string): StoredRecord[] {
    const bytes = readFileSync(fd);
    const end = bytes.lastIndexOf(0x0a) + 1;
    if (end < bytes.length) {
        log.warn(`${path}: the last record was cut off while it was written, and is dropped`);
        ftruncateSync(fd, end);
    }
    const lines = bytes.subarray(0, end).toString("utf8").split("\n").slice(0, -1);
    return lines.map((line, index) => {
        try {
            return JSON.parse(line) as StoredRecord;
        } catch {
            throw new Failure(`${path}: line ${index + 1} is not a database record`, EXIT.configuration);
        }
    });
}
