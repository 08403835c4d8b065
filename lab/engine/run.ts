import { createRequire } from "node:module";
import { type ChildProcess, spawn } from "node:child_process";
import * as grpc from "@grpc/grpc-js";
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { onInterrupt } from "../process/interrupt.ts";

const require = createRequire(import.meta.url);

// Internal parts of the Automation API: the server that runs an inline program, and the event stream. The API's `up` is
// not used, because it runs the CLI three more times, which triples the time for an unchanged stack.
const { LanguageServer } = require("@pulumi/pulumi/automation/server.js") as {
    LanguageServer: new (
        program: InlineProgram,
    ) => { onPulumiExit(failed: boolean): void } & grpc.UntypedServiceImplementation;
};
const { LanguageRuntimeService } = require("@pulumi/pulumi/proto/language_grpc_pb.js") as {
    LanguageRuntimeService: grpc.ServiceDefinition;
};
const { EventsService } = require("@pulumi/pulumi/proto/events_grpc_pb.js") as {
    EventsService: grpc.ServiceDefinition;
};
const { BinaryReader } = require("google-protobuf") as typeof import("google-protobuf");
const { Empty } = require("google-protobuf/google/protobuf/empty_pb.js") as { Empty: new () => object };
/** Reads events as plain text. The generated code is ten times slower, and a preview has a megabyte of events. */
const STREAM_EVENTS = { ...EventsService.streamEvents!, requestDeserialize: eventText };
const MESSAGE_LIMIT = { "grpc.max_receive_message_length": 400 * 2 ** 20 };

export type InlineProgram = () => Promise<Record<string, unknown>>;

export interface EngineRun {
    /** Path or name of the CLI. */
    command: string;
    args: string[];
    cwd: string;
    env: Record<string, string>;
    /** The program, which runs in this process when the engine asks for it. */
    program?: InlineProgram;
    onEvent?: (event: EngineEvent) => void;
    onOutput?: (text: string) => void;
}

export interface EngineResult {
    exitCode: number;
    stdout: string;
    stderr: string;
    /** Whether the user interrupted. The engine was then asked once to end cleanly and has ended. */
    interrupted: boolean;
}

/** Runs the Pulumi CLI once. An exit code other than 0 is a result, not an exception. */
export async function runEngine(run: EngineRun): Promise<EngineResult> {
    const args = [...run.args, "--non-interactive"];
    const servers: grpc.Server[] = [];
    let language: { onPulumiExit(failed: boolean): void } | undefined;
    try {
        if (run.program) {
            const server = new LanguageServer(run.program);
            language = server;
            args.push(
                `--client=127.0.0.1:${await serve(servers, LanguageRuntimeService, server)}`,
                "--exec-kind=auto.inline",
            );
        }
        if (run.onEvent) {
            const port = await serve(
                servers,
                { streamEvents: STREAM_EVENTS },
                { streamEvents: eventReceiver(run.onEvent) },
            );
            args.push("--event-log", `tcp://127.0.0.1:${port}`);
        }
        const result = await execute(run, args);
        language?.onPulumiExit(result.exitCode !== 0);
        return result;
    } finally {
        for (const server of servers) server.forceShutdown();
    }
}

async function serve(
    servers: grpc.Server[],
    service: grpc.ServiceDefinition,
    implementation: grpc.UntypedServiceImplementation,
) {
    const server = new grpc.Server(MESSAGE_LIMIT);
    server.addService(service, implementation);
    servers.push(server);
    return new Promise<number>((resolve, reject) => {
        const credentials = grpc.ServerCredentials.createInsecure();
        server.bindAsync("127.0.0.1:0", credentials, (error, port) => (error ? reject(error) : resolve(port)));
    });
}

/** Forwards events except debug messages, which contain decrypted secrets. */
export function eventReceiver(onEvent: (event: EngineEvent) => void) {
    return (call: grpc.ServerReadableStream<string, object>, callback: grpc.sendUnaryData<object>) => {
        call.on("data", (text: string) => {
            const event = JSON.parse(text) as EngineEvent;
            const severity: string | undefined = event.diagnosticEvent?.severity;
            if (severity !== "debug") onEvent(event);
        });
        call.on("end", () => callback(null, new Empty()));
        call.on("error", () => undefined);
    };
}

/** The only field of an EventRequest. */
function eventText(message: Buffer): string {
    const reader = new BinaryReader(message);
    reader.nextField();
    return Buffer.from(reader.readBytes()).toString("utf8");
}

function execute(run: EngineRun, args: string[]): Promise<EngineResult> {
    // Detached: Ctrl-C reaches the engine once, from here. A second signal would make it give up at once and leave
    // a resource of which nobody knows whether it exists.
    const child = spawn(run.command, args, {
        cwd: run.cwd,
        env: run.env,
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
    });
    const result: EngineResult = { exitCode: -1, stdout: "", stderr: "", interrupted: false };
    const release = onInterrupt(() => {
        result.interrupted = true;
        interruptEngine(child);
    });
    return new Promise<EngineResult>((resolve, reject) => {
        child.stdout.setEncoding("utf8").on("data", (text: string) => {
            result.stdout += text;
            run.onOutput?.(text);
        });
        child.stderr.setEncoding("utf8").on("data", (text: string) => (result.stderr += text));
        child.on("error", reject);
        child.on("close", (code) => resolve({ ...result, exitCode: code ?? -1 }));
    }).finally(release);
}

function interruptEngine(child: ChildProcess): void {
    if (child.exitCode === null) child.kill("SIGINT");
}
