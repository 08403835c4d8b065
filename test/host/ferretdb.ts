import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll } from "vitest";
import { accepts } from "../../lab/services/service.ts";
import { ensureFerretdb } from "../../lab/storage/build-ferretdb.ts";
import { connectionString, ferretdbCommand } from "../../lab/storage/ferretdb.ts";
import { freePort } from "./free-port.ts";
import { TestCa } from "./test-ca.ts";

const LOGIN = { user: "linkmesh", password: "p@ss/word" };

/** A FerretDB on loopback for a test file, with TLS and one user. */
export function useFerretdb() {
    const directory = mkdtempSync(join(tmpdir(), "linkmesh-ferretdb-"));
    const path = (name: string) => join(directory, name);
    let port: number;
    let command: ReturnType<typeof ferretdbCommand>;
    let running: ChildProcess | undefined;
    const hasEnded = () => !running || running.exitCode !== null || running.signalCode !== null;

    const start = async () => {
        const { argv, env } = command;
        running = spawn(argv[0]!, argv.slice(1), { env, stdio: ["ignore", "ignore", "inherit"] });
        while (!(await accepts("127.0.0.1", port))) {
            if (hasEnded()) throw new Error("FerretDB has ended, and says above why");
            await sleep(20);
        }
    };
    const stop = async () => {
        if (!running || hasEnded()) return;
        const ended = once(running, "exit");
        running.kill("SIGKILL");
        await ended;
    };

    beforeAll(async () => {
        const program = await ensureFerretdb(() => undefined);
        const ca = await TestCa.create("CN=database");
        const { cert, key } = await ca.issue(["localhost"]);
        writeFileSync(path("ca.pem"), ca.pem);
        writeFileSync(path("cert.pem"), cert);
        writeFileSync(path("key.pem"), key, { mode: 0o600 });
        mkdirSync(path("data"));
        port = await freePort();
        command = ferretdbCommand(program, {
            ...LOGIN,
            address: "127.0.0.1",
            port,
            certificateFile: path("cert.pem"),
            keyFile: path("key.pem"),
            data: path("data"),
        });
        await start();
        // The first time on a machine, Go builds the database.
    }, 900_000);

    afterAll(async () => {
        await stop();
        rmSync(directory, { recursive: true, force: true });
    });

    return {
        start,
        stop,
        /** The connection string, or how it differs from the right one. */
        uri: (differs: { user?: string; password?: string; port?: number; caFile?: string } = {}) => {
            const { caFile = path("ca.pem"), ...rest } = differs;
            return connectionString({ host: "localhost", port, ...LOGIN, ...rest }, caFile);
        },
    };
}
