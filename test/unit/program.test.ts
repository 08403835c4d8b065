import { expect, test } from "vitest";
import { CONFIG, isSecret, reveal, runProgram, type Registered } from "./program.ts";

const STEPS = [
    "ready",
    "volume",
    "package",
    "environment",
    "grpc-certificate",
    "config",
    "nginx",
    "reachable",
    "certificate",
    "proxy",
    "surfaces",
];
const INSTANCE = "aws:ec2/instance:Instance";
const COMMAND = "command:remote:Command";
const ofType = (all: Registered[], type: string) => all.filter((r) => r.type === type);

test("a preview of an empty stack goes through with unknowns, and knows the public URLs", async () => {
    const { outputs, registered } = await runProgram(CONFIG, { preview: true });
    expect(ofType(registered, COMMAND)).toHaveLength(STEPS.length);
    expect(outputs).toMatchObject({
        publicUrl: "https://linkmesh.example.com",
        opampUrl: "wss://linkmesh.example.com/v1/opamp",
        grpcEndpoint: "linkmesh.example.com:50051",
    });
});
