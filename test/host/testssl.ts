import { execa } from "execa";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MIRROR } from "../../lab/machines/image/recipe.ts";
import { cached } from "./linters/linters.ts";

/** One line of testssl's report. */
export interface TlsFinding {
    id: string;
    severity: "DEBUG" | "INFO" | "OK" | "WARN" | "LOW" | "MEDIUM" | "HIGH" | "CRITICAL" | "FATAL";
    finding: string;
}

/** What testssl's grade needs (`set_rating_state` in its source). The other sections take as long again. */
const SECTIONS = {
    protocols: "--protocols",
    ciphers: "--std",
    forwardSecrecy: "--fs",
    certificate: "--server-defaults",
    headers: "--headers",
    heartbleed: "--heartbleed",
    ccsInjection: "--ccs-injection",
    ticketbleed: "--ticketbleed",
    robot: "--robot",
    renegotiation: "--renegotiation",
    crime: "--crime",
    poodle: "--poodle",
    fallback: "--tls-fallback",
    drown: "--drown",
    beast: "--beast",
    rc4: "--rc4",
    logjam: "--logjam",
};

/** What testssl finds at a name that is served on a port of 127.0.0.1 with a certificate of the authority `ca`. */
export async function testssl(name: string, port: number, ca: string, directory: string): Promise<TlsFinding[]> {
    const bin = await testsslDirectory();
    const [report, caFile] = [join(directory, "testssl.json"), join(directory, "testssl-ca.pem")];
    writeFileSync(caFile, ca);
    const options = ["--quiet", "--warnings", "off", "--nodns", "none", "--ip", "127.0.0.1"];
    const files = ["--add-ca", caFile, "--jsonfile", report, "--overwrite"];
    const result = await execa(
        "bash",
        [join(bin, "usr/bin/testssl"), ...options, ...files, ...Object.values(SECTIONS), `${name}:${port}`],
        {
            env: { TESTSSL_INSTALL_DIR: join(bin, "etc/testssl"), PATH: `${join(bin, "stub")}:${process.env.PATH}` },
            stdin: "ignore",
            all: true,
            // Its exit code is the number of sections with something to say.
            reject: false,
        },
    );
    // Only a finished run has the number of seconds that it took.
    const findings = JSON.parse(readFileSync(report, "utf8")) as TlsFinding[];
    if (!findings.some(({ id }) => id === "scanTime")) throw new Error(`testssl did not finish:\n${result.all}`);
    return findings;
}

/** Debian 13's package, unpacked: Debian 12's gives no grade. It is a shell script, so any distribution runs it. */
function testsslDirectory(): Promise<string> {
    return cached("testssl-trixie", "", async (directory) => {
        const apt = join(directory, "apt");
        for (const folder of ["sources", "lists/partial", "cache/archives/partial"]) {
            mkdirSync(join(apt, folder), { recursive: true });
        }
        writeFileSync(
            join(apt, "sources/trixie.sources"),
            `Types: deb\nURIs: ${MIRROR}\nSuites: trixie\nComponents: main\n` +
                "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n",
        );
        writeFileSync(join(apt, "status"), "");
        const own = {
            "Dir::Etc::SourceList": "/dev/null",
            "Dir::Etc::SourceParts": join(apt, "sources"),
            "Dir::State::Lists": join(apt, "lists"),
            "Dir::State::status": join(apt, "status"),
            "Dir::Cache": join(apt, "cache"),
            "Acquire::Languages": "none",
            "APT::Sandbox::User": "root",
        };
        const options = Object.entries(own).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
        await execa("apt-get", [...options, "update"], { cwd: apt });
        await execa("apt-get", [...options, "download", "testssl.sh"], { cwd: apt });
        await execa("sh", ["-c", `dpkg-deb -x testssl.sh_*.deb "$1"`, "sh", directory], { cwd: apt });
        rmSync(apt, { recursive: true });
        // It insists on a program that looks names up, which it never runs with --nodns none.
        mkdirSync(join(directory, "stub"));
        writeFileSync(join(directory, "stub/host"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    });
}
