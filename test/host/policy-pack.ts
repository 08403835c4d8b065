import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import grpc from "@grpc/grpc-js";
import analyzer from "@pulumi/pulumi/proto/analyzer_grpc_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";

/** A policy pack as the CLI starts it. */
export async function startPolicyPack(dir: string) {
    const start = createRequire(join(dir, "any.js")).resolve("@pulumi/pulumi/cmd/run-policy-pack");
    const child = spawn(process.execPath, [start, "127.0.0.1:1", dir], {
        cwd: dir,
        stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = new Promise((resolve) => child.once("close", resolve));
    const port = await new Promise<string>((resolve, reject) => {
        child.stdout.setEncoding("utf8").once("data", resolve);
        child.once("close", () => reject(new Error(`the policy pack in ${dir} ended`)));
    });
    const client = new analyzer.AnalyzerClient(`127.0.0.1:${port.trim()}`, grpc.credentials.createInsecure());
    return {
        policies: () =>
            new Promise<string[]>((resolve, reject) => {
                client.getAnalyzerInfo(new empty.Empty(), (error, info) =>
                    error ? reject(error) : resolve(info.getPoliciesList().map((policy) => policy.getName())),
                );
            }),
        async stop() {
            client.close();
            child.kill("SIGKILL");
            await ended;
        },
    };
}
