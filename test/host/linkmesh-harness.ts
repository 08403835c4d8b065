import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { stringify } from "yaml";
import { afterAll, beforeAll } from "vitest";
import { buildPackage } from "../../lab/linkmesh/build.ts";
import { freePort } from "./free-port.ts";

/** The Node.js that runs the stand-in, to try the ones that Debian has. */
const NODE = process.env.LINKMESH_STANDIN_NODE ?? process.execPath;

export interface Outcome {
    code: number | null;
    stdout: string;
    stderr: string;
}

export interface Running {
    process: ChildProcess;
    /** Sends SIGTERM and waits; resolves to the exit code. */
    stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Unpacks the real package below a new directory. */
export async function unpackProgram(directory: string): Promise<string> {
    const { file } = await buildPackage({ outDir: join(directory, "deb") });
    await promisify(execFile)("dpkg-deb", ["-x", file, join(directory, "root")]);
    return join(directory, "root/usr/bin/linkmesh-server");
}

/** One installation of the stand-in on loopback: a directory, a secret, free ports. */
export class Installation {
    readonly directory = mkdtempSync(join(tmpdir(), "linkmesh-standin-"));
    readonly boltPath = join(this.directory, "data/state.db");
    readonly configFile = join(this.directory, "config.yaml");
    secret: string | undefined = "a secret of tests";
    /** Further variables of the service. */
    environment: Record<string, string> = {};

    private constructor(
        private readonly program: string,
        readonly httpPort: number,
        readonly grpcPort: number,
    ) {}

    static async create(program: string, extra: Record<string, unknown> = {}): Promise<Installation> {
        const installation = new Installation(program, await freePort(), await freePort());
        installation.configure(extra);
        return installation;
    }

    /** Writes config.yaml: the ports, the database, and what is given. */
    configure(extra: Record<string, unknown>): void {
        const { http = {}, grpc = {}, storage = {}, ...rest } = extra as Record<string, Record<string, unknown>>;
        const config = {
            http: { port: this.httpPort, ...http },
            grpc: { port: this.grpcPort, ...grpc },
            storage: { boltPath: this.boltPath, ...storage },
            ...rest,
        };
        writeFileSync(this.configFile, stringify(config));
    }

    private spawn(args: string[]): ChildProcess {
        const env: NodeJS.ProcessEnv = { PATH: process.env.PATH, ...this.environment };
        if (this.secret !== undefined) env.LINKMESH_SECRET = this.secret;
        const common = ["--config", this.configFile, "--environment-file", join(this.directory, "environment")];
        return spawn(NODE, [this.program, ...args, ...common], { env, stdio: ["ignore", "pipe", "pipe"] });
    }

    /** Runs a command to its end. */
    async run(...args: string[]): Promise<Outcome> {
        const child = this.spawn(args);
        const outcome: Outcome = { code: null, stdout: "", stderr: "" };
        child.stdout!.on("data", (data) => (outcome.stdout += data));
        child.stderr!.on("data", (data) => (outcome.stderr += data));
        outcome.code = await new Promise((resolve) => child.on("close", resolve));
        return outcome;
    }

    /** Starts the server and waits until it listens. */
    async start(): Promise<Running> {
        const child = this.spawn(["serve"]);
        const exited = new Promise<number | null>((resolve) => child.on("close", resolve));
        let output = "";
        await new Promise<void>((resolve, reject) => {
            const take = (data: Buffer) => {
                output += data.toString();
                if (output.includes("HTTP on port")) resolve();
            };
            child.stdout!.on("data", take);
            child.stderr!.on("data", take);
            void exited.then((code) => reject(new Error(`the server ended with ${code}: ${output}`)));
        });
        return {
            process: child,
            stop: (signal = "SIGTERM") => {
                child.kill(signal);
                return exited;
            },
        };
    }

    /** A request to the HTTP listener; `token` becomes the Authorization header. */
    fetch(path: string, init: RequestInit & { token?: string } = {}): Promise<Response> {
        const headers = new Headers(init.headers);
        if (init.token) headers.set("Authorization", `Bearer ${init.token}`);
        return fetch(`http://127.0.0.1:${this.httpPort}${path}`, { ...init, headers });
    }

    async serviceToken(): Promise<string> {
        return (await this.run("token")).stdout.trim();
    }

    remove(): void {
        rmSync(this.directory, { recursive: true, force: true });
    }
}

/** Builds the stand-in once for a test file, and afterwards removes what was installed and ends what was started. */
export function useStandIn() {
    let packageDirectory: string;
    let program: string;
    const installations: Installation[] = [];
    const running: Running[] = [];

    beforeAll(async () => {
        packageDirectory = mkdtempSync(join(tmpdir(), "linkmesh-standin-deb-"));
        program = await unpackProgram(packageDirectory);
    });

    afterAll(async () => {
        for (const server of running) await server.stop("SIGKILL");
        for (const installation of installations) installation.remove();
        rmSync(packageDirectory, { recursive: true, force: true });
    });

    return {
        directory: () => packageDirectory,
        install: async (extra?: Record<string, unknown>): Promise<Installation> => {
            const installation = await Installation.create(program, extra);
            installations.push(installation);
            return installation;
        },
        start: async (installation: Installation): Promise<Running> => {
            const server = await installation.start();
            running.push(server);
            return server;
        },
    };
}
