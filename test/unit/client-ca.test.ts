import { expect, test } from "vitest";
import { endOfChain } from "../../lab/commands/client-ca.ts";
import { TestCa } from "../host/test-ca.ts";

test("clients trust the end of a chain, and a single certificate only if it is self-signed", async () => {
    const root = await TestCa.create("CN=root");
    const intermediate = await TestCa.create("CN=intermediate", root);
    const { cert } = await intermediate.issue(["linkmesh.example.test"]);
    expect(endOfChain(`${cert}\n${intermediate.pem}`)).toBe(intermediate.pem);
    expect(endOfChain(`${cert}\n${intermediate.pem}\n${root.pem}\n`)).toBe(root.pem);
    expect(endOfChain(root.pem)).toBe(root.pem);
    expect(endOfChain(cert)).toBeUndefined();
});
