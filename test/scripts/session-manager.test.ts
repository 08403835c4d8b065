import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type Given, IMPATIENT, Machine } from "./step.ts";

const DEB = "the agent";
const SHA256 = createHash("sha256").update(DEB).digest("hex");
const RECORD = "/var/lib/linkmesh-proxy/ssm-agent";
const STUBS = {
    curl: `while [ "$1" != --output ]; do shift; done; printf '${DEB}' >"$2"`,
    "dpkg-deb": `case "$*" in *Package) echo amazon-ssm-agent ;; *Architecture) dpkg --print-architecture ;; esac`,
    // Installed as soon as apt-get was asked to.
    "dpkg-query": "if grep -qs 'apt-get.* install .*agent.deb' /stub/installed; then echo installed; fi",
    systemctl: "true",
    "apt-get": `echo "apt-get $*" >>/stub/installed`,
};

function agent(differs: Partial<Given> = {}) {
    const variables = { URL: "https://s3.example.com/agent.deb", SHA256 };
    return new Machine({ step: "session-manager", variables, stubs: STUBS, ...IMPATIENT, ...differs });
}
const installs = (calls: string[]) => calls.filter((call) => /^apt-get .* install .*agent\.deb$/.test(call));

test("AWS's package is installed once, and its agent is started", () => {
    const machine = agent();
    const first = machine.run();
    expect({ errors: first.errors, status: first.status }).toEqual({ errors: [], status: 0 });
    expect(installs(first.calls)).toHaveLength(1);
    expect(first.calls).toContain("systemctl enable --quiet --now amazon-ssm-agent");
    expect(machine.read(RECORD)).toBe(`${SHA256}\n`);
    expect(installs(machine.run().calls)).toEqual([]);
});

test("an installation that was cut is done again", () => {
    const machine = agent({ machine: { [RECORD]: "begun\n" } });
    expect(installs(machine.run().calls)).toHaveLength(1);
});

describe("what is not installed", () => {
    test.each<[what: string, differs: Partial<Given>, error: RegExp]>([
        [
            "a package with another checksum",
            { variables: { URL: "https://s3.example.com/agent.deb", SHA256: "0".repeat(64) } },
            /^error: ssmAgentDebSha256: the package at https:\S+ has the checksum [0-9a-f]{64}, so it was not installed: /,
        ],
        [
            "a package that cannot be fetched",
            { stubs: { ...STUBS, curl: "echo 'curl: (22) 403' >&2; exit 22" } },
            /^error: ssmAgentDebUrl: https:\S+ cannot be fetched \(curl: \(22\) 403\): check the address/,
        ],
        [
            "another package",
            { stubs: { ...STUBS, "dpkg-deb": "echo other" } },
            /^error: ssmAgentDebUrl: \S+ is not a Debian package named amazon-ssm-agent, so it was not installed: /,
        ],
    ])("%s", (_, differs, error) => {
        const machine = agent(differs);
        const { status, errors, calls } = machine.run();
        expect(status).toBe(1);
        expect(errors).toEqual([expect.stringMatching(error)]);
        expect(installs(calls)).toEqual([]);
        expect(machine.read(RECORD)).toBeUndefined();
    });
});

describe("without a package", () => {
    const units = (known: string) => ({
        ...STUBS,
        systemctl: `case "$1 $2" in cat*) [ "$2" = ${known} ] ;; is-active*) true ;; esac`,
    });
    const variables = { URL: "", SHA256: "" };

    test("the agent of the image counts", () => {
        const snap = "snap.amazon-ssm-agent.amazon-ssm-agent";
        const { status, calls } = agent({ variables, stubs: units(snap) }).run();
        expect(status).toBe(0);
        expect(calls).toContain(`systemctl enable --quiet --now ${snap}`);
    });

    test("an image without one is an error that names the settings", () => {
        const { errors } = agent({ variables, stubs: units("other") }).run();
        expect(errors).toEqual([
            "error: sessionManager: the image has no SSM agent: set ssmAgentDebUrl and ssmAgentDebSha256.",
        ]);
    });
});

describe("the step upkeep removes what the settings no longer ask for", () => {
    const upkeep = (METRICS: string, AGENT: string, differs: { known?: boolean; gone?: string[] } = {}) => {
        const machine = new Machine({
            step: "upkeep",
            variables: { METRICS, AGENT },
            // As apt-get fails at a package that dpkg does not know.
            stubs:
                differs.known === false ? { "dpkg-query": "exit 1", "apt-get": "exit 100" } : { "dpkg-query": "true" },
            machine: {
                [RECORD]: `${SHA256}\n`,
                "/etc/systemd/system/linkmesh-proxy-metrics.timer": "",
                "/etc/systemd/system/linkmesh-proxy-metrics.service": "",
                "/usr/local/lib/linkmesh-proxy/push-metrics": "",
                "/var/lib/linkmesh-proxy/expected/metrics": "",
                "/var/lib/linkmesh-proxy/expected/session-manager": "",
            },
        });
        for (const file of differs.gone ?? []) machine.sh(`rm ${file}`);
        return machine;
    };
    const METRICS_FILES = [
        ...["timer", "service"].map((kind) => `/etc/systemd/system/linkmesh-proxy-metrics.${kind}`),
        ...["/usr/local/lib/linkmesh-proxy/push-metrics", "/var/lib/linkmesh-proxy/expected/metrics"],
    ];

    test.each(["", "image"])("the agent's package with AGENT=%j", (from) => {
        const machine = upkeep("yes", from);
        const { status, calls } = machine.run();
        expect(status).toBe(0);
        expect(calls.filter((call) => call.endsWith("purge -y amazon-ssm-agent"))).toHaveLength(1);
        expect(machine.read(RECORD)).toBeUndefined();
        const list = machine.read("/var/lib/linkmesh-proxy/expected/session-manager");
        expect(list).toBe(from === "image" ? "" : undefined);
        for (const file of METRICS_FILES) expect(machine.read(file), file).toBe("");
    });

    test("the record of an agent that a step that was cut did not install, or has removed already", () => {
        const machine = upkeep("yes", "", { known: false });
        expect(machine.run()).toMatchObject({ status: 0, errors: [] });
        expect(machine.read(RECORD)).toBeUndefined();
    });

    test("what a removal that was cut has left of the report to CloudWatch", () => {
        const machine = upkeep("", "package", { gone: ["/etc/systemd/system/linkmesh-proxy-metrics.timer"] });
        expect(machine.run()).toMatchObject({ status: 0, errors: [] });
        for (const file of METRICS_FILES) expect(machine.read(file), file).toBeUndefined();
    });

    test("the report to CloudWatch, and not the agent that is asked for", () => {
        const machine = upkeep("", "package");
        const { status, calls } = machine.run();
        expect(status).toBe(0);
        expect(calls).toContain("systemctl disable --quiet --now linkmesh-proxy-metrics.timer");
        for (const file of METRICS_FILES) expect(machine.read(file), file).toBeUndefined();
        expect(calls.join("\n")).not.toContain("purge");
        expect(machine.read(RECORD)).toBe(`${SHA256}\n`);
    });
});
