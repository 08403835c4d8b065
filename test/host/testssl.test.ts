import { beforeAll, expect, test } from "vitest";
import { authorities, cleanupsAfterEach, HOST, type Authorities } from "./checks-site.ts";
import { startEchoBackend } from "./echo-backend.ts";
import { renderMode } from "./nginx-modes.ts";
import { NginxServer } from "./nginx-server.ts";
import { testssl, type TlsFinding } from "./testssl.ts";

let trust: Authorities;
beforeAll(async () => {
    trust = await authorities();
});
const cleanups = cleanupsAfterEach();

/** Findings that have a reason which is not nginx's configuration. */
const EXPECTED: Record<string, string> = {
    cert_revocation: "The test's authority publishes no revocations; Let's Encrypt's certificates name where it does.",
    security_headers: "LinkMesh says what its pages may do, and the test's backend says nothing.",
    sessionresumption_ticket: "testssl's client may leave before it was given a session, and then cannot resume it.",
    engine_problem: "This machine's OpenSSL has no GOST engine.",
};
const GOOD = ["DEBUG", "INFO", "OK"];

// One name stands for all: a unit test holds that all servers of all modes have the same TLS settings.
test("testssl gives grade A+ and finds nothing", async () => {
    const backend = await startEchoBackend();
    cleanups.push(() => backend.stop());
    const server = await NginxServer.start({
        config: renderMode("one port"),
        domain: HOST,
        certificate: trust.uiPair,
        upstream: { http: backend.port, grpc: backend.port },
    });
    cleanups.push(() => server.stop());
    const findings = await testssl(HOST, server.ports.https, trust.publicCa.pem, server.directory);
    const graded = (id: string) => findings.find((one) => one.id === id)?.finding;
    const worse = findings.filter(({ id, severity }: TlsFinding) => !GOOD.includes(severity) && !(id in EXPECTED));
    expect(worse).toEqual([]);
    expect([graded("overall_grade"), graded("cert_chain_of_trust")]).toEqual(["A+", "passed."]);
});
