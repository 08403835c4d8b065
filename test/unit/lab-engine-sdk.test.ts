import struct from "google-protobuf/google/protobuf/struct_pb.js";
import { expect, test } from "vitest";
import { speedUpTexts } from "../../lab/engine/sdk.ts";

test("texts go through protocol buffers as google-protobuf itself has it, byte for byte", () => {
    const values = { "": "", ascii: "a".repeat(20_000), schlüssel: "grün, 漢字, 🦊\0\n", list: ["x", { y: "z" }] };
    const serialize = () => struct.Struct.fromJavaScript(values).serializeBinary();
    const before = serialize();
    speedUpTexts();
    expect(Buffer.from(serialize()).equals(Buffer.from(before))).toBe(true);
    expect(struct.Struct.deserializeBinary(before).toJavaScript()).toEqual(values);
});
