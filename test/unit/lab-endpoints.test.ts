import { expect, it } from "vitest";
import { printPaused, printReady } from "../../lab/commands/report.ts";
import { checksOf, type LabOutputs } from "../../lab/commands/endpoints.ts";
import { Ui } from "../../lab/ui.ts";

const NOW: LabOutputs = {
    publicUrl: "https://linkmesh.example.test",
    opampUrl: "wss://linkmesh.example.test/v1/opamp",
    grpcEndpoint: "linkmesh.example.test:50051",
    certificateSource: "acme",
    ipv4: "10.77.129.1",
    ipv6: "fd77::1",
};
const without = (...names: (keyof LabOutputs)[]) =>
    Object.fromEntries(Object.entries(NOW).filter(([name]) => !names.includes(name as never))) as unknown as LabOutputs;

function printed(print: (ui: Ui) => void): string {
    let text = "";
    print(new Ui({ stream: { isTTY: false, write: (chunk: string) => (text += chunk) } as never }));
    return text;
}

it("prints a line for each URL and address", () => {
    const lines = (outputs: LabOutputs) => printed((ui) => printReady(ui, outputs, "/lab/ca.pem"));
    expect(lines(NOW), "a setting that nobody has asked for").not.toContain("--set");
    expect(lines({ ...NOW, uiUrl: "https://ui.example.test" })).toMatch(
        /^ {3}UI {6}https:\/\/ui.*\n {3}OpAMP {3}wss:.*\n {3}gRPC {4}linkmesh.*\n {3}IPv4 {4}10\..*\n {3}IPv6 {4}fd77/m,
    );
    const few = lines({ ...without("grpcEndpoint", "ipv6"), certificateSource: "own" });
    expect(few).not.toMatch(/gRPC|IPv6|undefined/);
    expect(few).toMatch(/the certificate is your own.*curl --cacert \/lab\/ca\.pem/s);
    expect(printed((ui) => printPaused(ui, without("ipv6")))).toMatch(/Kept are the addresses \(10\.77\.129\.1\)/);
});

it("prints all addresses of a load balancer, and the name that a shell on one of several machines needs", () => {
    const login = { host: "10.77.129.252", user: "admin", hostKey: "ssh-ed25519 AAAA", generatedKey: true };
    const tier = { ipv4: ["10.77.129.1", "10.77.129.2"], ipv6: ["fd77::1"], nodes: [login, login] };
    const checks = {
        host: "a",
        ipv4: "10.77.129.1",
        http: true,
        ownCertificate: false,
        ssh: login,
        paused: false,
        tier,
    };
    const outputs = { ...NOW, checks } as LabOutputs;
    const ready = printed((ui) => printReady(ui, outputs, "/lab/ca.pem"));
    expect(ready).toMatch(/^ {3}IPv4 {4}10\.77\.129\.1, 10\.77\.129\.2\n {3}IPv6 {4}fd77::1\n/m);
    expect(ready).toContain("npm run lab -- ssh --machine node-1   a shell on a machine\n");
    const paused = printed((ui) => printPaused(ui, outputs));
    expect(paused).toContain("Kept are the addresses (10.77.129.1, 10.77.129.2, fd77::1) and the names.\n");
    expect(paused).toContain("brings the machines back");
    expect(printed((ui) => printReady(ui, NOW, "/lab/ca.pem"))).toContain(
        "npm run lab -- ssh       a shell on the machine\n",
    );
});

it("says what brings the output `checks` to a stack that is older than it", () => {
    expect(() => checksOf(NOW)).toThrow(/the stack has no output `checks`: `npm run lab -- up` adds it/);
});
