import { spawnSync } from "node:child_process";
import { closeSync, fdatasyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { KEYS, type Database, type RecordType, type StoredRecord } from "./database.ts";
import { EXIT, Failure, systemReason } from "./failure.ts";
import { log } from "./log.ts";

/**
 * The database of one instance: a file of JSON lines that one process at a time can open. As in BoltDB, the lock is
 * flock(2) on the database file, so it always ends with the process, and `flock` in a shell sees it.
 */
export class FileDatabase implements Database {
    /** The records by type, and by each text that they hold. */
    private readonly index = new Map<string, StoredRecord[]>();

    private constructor(
        readonly name: string,
        private readonly fd: number,
        records: StoredRecord[],
    ) {
        for (const record of records) this.remember(record);
    }

    /**
     * Opens the file, or makes it, and takes the lock without waiting.
     *
     * @throws {Failure} if another process has it open, if it cannot be opened, or if it is not a database
     */
    static open(path: string): FileDatabase {
        let fd: number;
        try {
            mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
            fd = openSync(path, "a+", 0o600);
        } catch (error) {
            throw new Failure(`cannot open the database ${path}: ${systemReason(error)}`);
        }
        try {
            lock(fd, path);
            return new FileDatabase(path, fd, load(fd, path));
        } catch (error) {
            closeSync(fd);
            throw error;
        }
    }

    add(record: StoredRecord, options: { durable: boolean }): Promise<boolean> {
        const key = KEYS[record.type];
        if (key && this.index.has(place(record.type, key, String(record[key])))) return Promise.resolve(false);
        writeSync(this.fd, `${JSON.stringify(record)}\n`);
        if (options.durable) fdatasyncSync(this.fd);
        this.remember(record);
        return Promise.resolve(true);
    }

    find(type: RecordType, field?: string, value?: string): Promise<StoredRecord[]> {
        return Promise.resolve([...(this.index.get(place(type, field, value)) ?? [])]);
    }

    count(type: RecordType, field: string): Promise<Map<string, number>> {
        const counts = new Map<string, number>();
        for (const record of this.index.get(place(type)) ?? []) {
            const value = String(record[field]);
            counts.set(value, (counts.get(value) ?? 0) + 1);
        }
        return Promise.resolve(counts);
    }

    /** Closes the file and releases the lock. */
    close(): Promise<void> {
        closeSync(this.fd);
        return Promise.resolve();
    }

    private remember(record: StoredRecord): void {
        const texts = Object.entries(record).filter((entry): entry is [string, string] => typeof entry[1] === "string");
        for (const at of [place(record.type), ...texts.map(([field, text]) => place(record.type, field, text))]) {
            const there = this.index.get(at);
            if (there) there.push(record);
            else this.index.set(at, [record]);
        }
    }
}

/** A key of the index. */
function place(type: RecordType, field?: string, value?: string): string {
    return JSON.stringify([type, field, value]);
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
    const records = lines.map((line, index) => {
        try {
            return JSON.parse(line) as StoredRecord;
        } catch {
            throw new Failure(`${path}: line ${index + 1} is not a database record`, EXIT.configuration);
        }
    });
    if (records.length > 0 && !records.some(({ type }) => type === "authority"))
        throw new Failure(`${path}: the database has no internal CA`, EXIT.configuration);
    return records;
}
