import { expect, it } from "vitest";
import { validate } from "../../checks/validate.ts";
import { printPaused, printReady } from "../../lab/commands/report.ts";
import { type LabOutputs, targetOf } from "../../lab/commands/endpoints.ts";
import { Ui } from "../../lab/ui.ts";

/** Outputs of a stack that is older than the modes. */
const BEFORE: LabOutputs = {
    publicUrl: "https://linkmesh.example.test",
    opampUrl: "wss://linkmesh.example.test/v1/opamp",
    grpcEndpoint: "linkmesh.example.test:50051",
    ipv4: "10.77.129.1",
    ipv6: "fd77::1",
    sshCommand: "ssh admin@10.77.129.1",
};
const NOW: LabOutputs = { ...BEFORE, httpUrl: "http://linkmesh.example.test", certificateSource: "acme" };
const without = (...names: (keyof LabOutputs)[]) =>
    Object.fromEntries(Object.entries(NOW).filter(([name]) => !names.includes(name as never))) as unknown as LabOutputs;

const USUAL = {
    host: "linkmesh.example.test",
    uiHost: undefined,
    ipv4: "10.77.129.1",
    ipv6: "fd77::1",
    grpc: { host: "linkmesh.example.test", port: 50051 },
    httpPort: 80,
    ownCertificate: false,
};

it.each<[string, LabOutputs, object]>([
    ["a stack from before the modes", BEFORE, {}],
    ["a usual stack", NOW, {}],
    ["a UI name", { ...NOW, uiUrl: "https://ui.example.test" }, { uiHost: "ui.example.test" }],
    [
        "gRPC under its own name",
        { ...NOW, grpcEndpoint: "grpc.example.test:443" },
        { grpc: { host: "grpc.example.test", port: 443 } },
    ],
    ["no gRPC", without("grpcEndpoint"), { grpc: false }],
    ["no IPv6", without("ipv6"), { ipv6: false }],
    ["no port 80", without("httpUrl"), { httpPort: false }],
    ["an own certificate", { ...NOW, certificateSource: "own" }, { ownCertificate: true }],
])("%s is checked for what its outputs promise", (_, outputs, change) => {
    expect(targetOf(outputs)).toEqual({ ...USUAL, ...change });
    expect(() => validate(targetOf(outputs), [])).not.toThrow();
});

function printed(print: (ui: Ui) => void): string {
    let text = "";
    print(new Ui({ stream: { isTTY: false, write: (chunk: string) => (text += chunk) } as never }));
    return text;
}

it("prints a line for each URL and address", () => {
    const lines = (outputs: LabOutputs) => printed((ui) => printReady(ui, outputs, "/lab/ca.pem"));
    expect(lines({ ...NOW, uiUrl: "https://ui.example.test" })).toMatch(
        /^ {3}UI {6}https:\/\/ui.*\n {3}OpAMP {3}wss:.*\n {3}gRPC {4}linkmesh.*\n {3}IPv4 {4}10\..*\n {3}IPv6 {4}fd77/m,
    );
    const few = lines({ ...without("grpcEndpoint", "ipv6"), certificateSource: "own" });
    expect(few).not.toMatch(/gRPC|IPv6|undefined/);
    expect(few).toMatch(/the certificate is your own.*curl --cacert \/lab\/ca\.pem/s);
    expect(printed((ui) => printPaused(ui, without("ipv6")))).toMatch(/Kept are the addresses \(10\.77\.129\.1\)/);
});
