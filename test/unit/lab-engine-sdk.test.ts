import { execa } from "execa";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import { expect, test } from "vitest";
import { speedUpTexts } from "../../lab/engine/sdk.ts";

const SDK = new URL("../../lab/engine/sdk.ts", import.meta.url).href;

test("texts go through protocol buffers as google-protobuf itself has it, byte for byte", () => {
    const values = { "": "", ascii: "a".repeat(20_000), schlüssel: "grün, 漢字, 🦊\0\n", list: ["x", { y: "z" }] };
    const serialize = () => struct.Struct.fromJavaScript(values).serializeBinary();
    const before = serialize();
    speedUpTexts();
    expect(Buffer.from(serialize()).equals(Buffer.from(before))).toBe(true);
    expect(struct.Struct.deserializeBinary(before).toJavaScript()).toEqual(values);
});

test("a promise of the SDK that fails while nobody waits for it still ends the program", async () => {
    const script = `
        import { createRequire } from "node:module";
        import { quietenSdk } from ${JSON.stringify(SDK)};
        quietenSdk();
        const { debuggablePromise } = createRequire(${JSON.stringify(SDK)})("@pulumi/pulumi/runtime/debuggable.js");
        debuggablePromise(Promise.reject(new Error("lost")), "context");
        setTimeout(() => console.log("went on"), 100);
    `;
    const args = ["--import", "tsx", "--input-type=module", "--eval", script];
    const run = await execa(process.execPath, args, { reject: false });
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain("Error: lost");
    expect(run.stdout).toBe("");
});
