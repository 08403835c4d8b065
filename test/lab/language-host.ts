import { createRequire } from "node:module";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import grpc from "@grpc/grpc-js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import languageService from "@pulumi/pulumi/proto/language_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/language_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import { PULUMI_VERSION } from "../../lab/engine/versions.ts";

/*
 * A stand-in for pulumi-language-nodejs, the part of an installed Pulumi CLI that starts programs written for Node. For
 * tests only: with it they can run the CLI without the Automation API on machines that have no installed one.
 *
 * It names the packages of node_modules and starts a program with the arguments, the environment and the meaning of
 * exit statuses of the original (3.259). It differs in this: the program talks to the engine's monitor directly, the
 * synchronous calls of old SDKs (--sync), tracing and debugging are missing, packages are "installed" by a link to those
 * of this checkout, a policy pack does not see the stack's configuration, and whatever else the original does (plugins,
 * generated code) is refused.
 */

/** The program's exit status if it has already reported the error to the user. */
const TOLD_ALREADY = 32;
const NODE_MODULES = join(import.meta.dirname, "../../node_modules");
const KILL_AFTER_MS = 5000;
const PARENT_POLL_MS = 500;

const running = new Set<ChildProcess>();

async function main(args: string[]): Promise<void> {
    const [engine, ...rest] = args;
    if (!engine || rest.length > 0)
        throw new Error(`the only argument is the engine's address, not: ${args.join(" ")}`);
    const server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
    server.addService(languageService.LanguageRuntimeService, handlers(engine));
    const port = await new Promise<number>((resolve, reject) => {
        const credentials = grpc.ServerCredentials.createInsecure();
        server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
    });
    process.stdout.write(`${port}\n`);

    const end = () => {
        for (const child of running) child.kill("SIGKILL");
        server.forceShutdown();
        process.exit(0);
    };
    // A killed engine ends nobody; one that ends signals the whole process group, the program with it.
    const parent = process.ppid;
    setInterval(() => process.ppid === parent || end(), PARENT_POLL_MS).unref();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end);
}

/** Methods that are missing here are answered with "unimplemented" by gRPC. */
function handlers(engine: string): grpc.UntypedServiceImplementation {
    const unary =
        <Request, Response>(
            handle: (request: Request, cancelled: AbortSignal) => Promise<Response> | Response,
        ): grpc.handleUnaryCall<Request, Response> =>
        async (call, callback) => {
            const abort = new AbortController();
            call.on("cancelled", () => abort.abort());
            try {
                callback(null, await handle(call.request, abort.signal));
            } catch (error) {
                callback({ code: grpc.status.UNKNOWN, details: (error as Error).message });
            }
        };
    return {
        getPluginInfo: unary(() => {
            const info = new plugin.PluginInfo();
            info.setVersion(PULUMI_VERSION);
            return info;
        }),
        getRequiredPackages: unary((request: pb.GetRequiredPackagesRequest) => {
            const response = new pb.GetRequiredPackagesResponse();
            response.setPackagesList(requiredPackages(join(request.getInfo()!.getProgramDirectory(), "node_modules")));
            return response;
        }),
        runtimeOptionsPrompts: unary((request: pb.RuntimeOptionsRequest) => {
            const { packagemanager } = request.getInfo()!.getOptions()!.toJavaScript();
            if (packagemanager === undefined) throw new Error("the original asks for the package manager here");
            return new pb.RuntimeOptionsResponse();
        }),
        template: unary(() => new pb.TemplateResponse()),
        installDependencies: (call: grpc.ServerWritableStream<pb.InstallDependenciesRequest, unknown>) => {
            symlinkSync(NODE_MODULES, join(call.request.getInfo()!.getProgramDirectory(), "node_modules"));
            call.end();
        },
        run: unary((request: pb.RunRequest, cancelled) => run(request, engine, cancelled)),
        runPlugin,
        cancel: unary(() => {
            for (const child of running) interrupt(child);
            return new empty.Empty();
        }),
    };
}

/** Packages that say in package.json that they have a resource plugin, with the version of that plugin. */
function requiredPackages(nodeModules: string): plugin.PackageDependency[] {
    return packageDirs(nodeModules).flatMap((dir) => {
        const file = join(dir, "package.json");
        const info = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as PackageJson) : {};
        const nested = existsSync(join(dir, "node_modules")) ? requiredPackages(join(dir, "node_modules")) : [];
        if (!info.pulumi?.resource) return nested;
        const name = info.pulumi.name ?? /^@pulumi\/(.+)$/.exec(info.name ?? "")?.[1];
        const version = info.pulumi.version ?? info.version;
        if (!name || !version) throw new Error(`${file} names no plugin, or no version`);
        const dependency = new plugin.PackageDependency();
        dependency.setName(name);
        dependency.setKind("resource");
        dependency.setVersion(`v${version.replace(/^v/, "")}`);
        dependency.setServer(info.pulumi.server ?? "");
        return [dependency, ...nested];
    });
}

interface PackageJson {
    name?: string;
    version?: string;
    pulumi?: { resource?: boolean; name?: string; version?: string; server?: string };
}

function packageDirs(nodeModules: string): string[] {
    const names = existsSync(nodeModules) ? readdirSync(nodeModules) : [];
    return names.flatMap((name) => {
        const dir = join(nodeModules, name);
        return name.startsWith("@") ? readdirSync(dir).map((inner) => join(dir, inner)) : [dir];
    });
}

async function run(request: pb.RunRequest, engine: string, cancelled: AbortSignal): Promise<pb.RunResponse> {
    const response = new pb.RunResponse();
    try {
        const { command, args, env } = commandLine(request, engine);
        const status = await execute(spawn(command, args, { env, stdio: ["ignore", "inherit", "inherit"] }), cancelled);
        if (status === TOLD_ALREADY) response.setBail(true);
        else if (status !== 0) response.setError(`Program exited with non-zero exit code: ${status}`);
    } catch (error) {
        response.setError((error as Error).message);
    }
    return response;
}

/** Runs a policy pack, and passes on what it prints: first of all its port. */
function runPlugin(call: grpc.ServerWritableStream<pb.RunPluginRequest, pb.RunPluginResponse>): void {
    const { request } = call;
    const pack = request.getInfo()!.getProgramDirectory();
    if (request.getKind() !== "analyzer") {
        call.destroy(new Error("this stand-in for pulumi-language-nodejs runs no plugins but policy packs"));
        return;
    }
    const respond = (set: (response: pb.RunPluginResponse) => void) => {
        const response = new pb.RunPluginResponse();
        set(response);
        call.write(response);
    };
    const start = createRequire(join(pack, "any.js")).resolve("@pulumi/pulumi/cmd/run-policy-pack");
    const child = spawn("node", [start, ...request.getArgsList(), pack], { cwd: pack, env: variables(request) });
    running.add(child);
    child.stdout.on("data", (data: Buffer) => respond((response) => response.setStdout(data)));
    child.stderr.on("data", (data: Buffer) => respond((response) => response.setStderr(data)));
    child.once("close", (code) => {
        running.delete(child);
        respond((response) => response.setExitcode(code ?? -1));
        call.end();
    });
    call.once("cancelled", () => interrupt(child));
}

function variables(request: pb.RunPluginRequest): Record<string, string> {
    const pairs = request.getEnvList().map((pair) => /^([^=]*)=(.*)$/s.exec(pair)!);
    return Object.fromEntries(pairs.map(([, name, value]) => [name!, value!]));
}

/** What the program is started with. An empty argument is left out, apart from the entry point. */
function commandLine(request: pb.RunRequest, engine: string) {
    if (request.getAttachDebugger()) throw new Error("this stand-in for pulumi-language-nodejs has no debugger");
    const info = request.getInfo()!;
    const options = runtimeOptions(info.getOptions()?.toJavaScript() ?? {});
    const program = info.getProgramDirectory();
    const flags = {
        monitor: request.getMonitorAddress(),
        engine,
        organization: request.getOrganization(),
        project: request.getProject(),
        "root-directory": info.getRootDirectory(),
        stack: request.getStack(),
        pwd: program,
    };
    const args = [
        ...options.nodeargs,
        createRequire(join(program, "any.js")).resolve("@pulumi/pulumi/cmd/run"),
        ...Object.entries(flags).flatMap(([name, value]) => (value ? [`--${name}`, value] : [])),
        ...(request.getDryrun() ? ["--dry-run"] : []),
        "--parallel",
        String(request.getParallel()),
        info.getEntryPoint(),
        ...request.getArgsList(),
    ];
    const env = {
        ...process.env,
        PULUMI_CONFIG: JSON.stringify(configuration(request)),
        PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
        ...(options.typescript ? { PULUMI_NODEJS_TYPESCRIPT: "true" } : {}),
    };
    return { command: "node", args, env };
}

/** `runtime.options` of Pulumi.yaml. By default TypeScript goes through ts-node. */
function runtimeOptions(options: Record<string, unknown>): { typescript: boolean; nodeargs: string[] } {
    const { typescript = true, nodeargs = "", packagemanager = "npm", ...others } = options;
    if (packagemanager !== "npm") throw new Error("this stand-in for pulumi-language-nodejs knows npm alone");
    if (typeof typescript !== "boolean") throw new Error("typescript option must be a boolean");
    if (typeof nodeargs !== "string") throw new Error("nodeargs option must be a string");
    if (/["'\\#]/.test(nodeargs))
        throw new Error("this stand-in for pulumi-language-nodejs takes no quotes in nodeargs");
    const unknown = Object.keys(others);
    if (unknown.length > 0)
        throw new Error(`this stand-in for pulumi-language-nodejs does not know: ${unknown.join(", ")}`);
    return { typescript, nodeargs: nodeargs.split(/\s+/).filter(Boolean) };
}

/** Keys as the oldest SDKs want them: "project:config:name" for "project:name". */
function configuration(request: pb.RunRequest): Record<string, string> {
    const entries = request.getConfigMap().toObject();
    return Object.fromEntries(
        entries.map(([key, value]) => {
            const [namespace, name, ...more] = key.split(":");
            if (!namespace || !name || more.length > 0) throw new Error(`${key} is not a configuration key`);
            return [`${namespace}:config:${name}`, value];
        }),
    );
}

/** The exit status; −1 for a program that a signal ended. */
function execute(child: ChildProcess, cancelled: AbortSignal): Promise<number> {
    running.add(child);
    cancelled.addEventListener("abort", () => interrupt(child));
    return new Promise<number>((resolve, reject) => {
        child.once("error", reject);
        child.once("close", (code) => resolve(code ?? -1));
    }).finally(() => running.delete(child));
}

function interrupt(child: ChildProcess): void {
    child.kill("SIGINT");
    setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS).unref();
}

await main(process.argv.slice(2));
