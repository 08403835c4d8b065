import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { factsScript, readFacts } from "../../doctor/facts.ts";
import { judge } from "../../doctor/index.ts";
import { IMPATIENT, Machine } from "./step.ts";
import { shfmt } from "./shell.ts";

const LIST = "/var/lib/linkmesh-proxy/expected/ready";
const F = "/etc/linkmesh/f";
const MARK = "== mark";

/** Writes and removes one of each kind. */
const WRITES = `install_file ${F} 0600 <<<new
    install_file /etc/linkmesh/second <<<second
    remove_file /etc/linkmesh/gone
    make_current /etc/linkmesh two
    expect file /etc/linkmesh/current
    install_file /etc/fstab <<<$'# BEGIN linkmesh-proxy\\n/dev/x /srv ext4\\n# END linkmesh-proxy'
    EXPECTED=("\${EXPECTED[@]::\${#EXPECTED[@]}-1}")
    expect block /etc/fstab
    record /etc/nginx/nginx.conf <<<'    worker_connections 4096;'
    expect value '/etc/nginx/nginx.conf worker_connections'`;

const machine = (main = WRITES) =>
    new Machine({ step: "ready", main, machine: { [F]: "old\n", "/etc/linkmesh/gone": "x\n" } });

/** What the doctor finds in files on the machine: the sentences, without times. */
function findings(on: Machine): string[] {
    // The other sections take seconds.
    const script = factsScript(MARK).replace(/^main <[^]*$/m, "section expected expected\n");
    on.write("/stub/look", script);
    const facts = readFacts(on.sh("PATH=/stub/bin:$PATH bash /stub/look"), MARK);
    return judge(facts, { began: 0, ended: 1e12 })
        .filter(({ name, status }) => name === "files" && status !== "ok")
        .map(({ detail }) => detail.replace(/ \d{4}-\d\d-\d\d \d\d:\d\d UTC/, ""));
}

describe("the list of what a step left", () => {
    test("is written when the step succeeds, for root alone, and not again without a change", () => {
        const on = machine();
        expect(on.run()).toMatchObject({ status: 0, errors: [] });
        expect(on.mode(LIST)).toBe("600");
        const names = on
            .read(LIST)!
            .split("\n")
            .map((line) => line.split("\t").slice(0, 2).join(" "));
        expect(names).toEqual([
            "block /etc/fstab",
            "file /etc/linkmesh/current",
            `file ${F}`,
            "file /etc/linkmesh/gone",
            "file /etc/linkmesh/second",
            "value /etc/nginx/nginx.conf worker_connections",
            "",
        ]);
        const inode = on.sh(`stat -c %i ${LIST}`);
        on.run();
        expect(on.sh(`stat -c %i ${LIST}`)).toBe(inode);
        expect(findings(on)).toEqual([]);
    });

    test.each([
        ["fails", "fail no"],
        ["is cut", "kill -KILL $$"],
    ])("stays that of the last success when the step %s", (_, end) => {
        const on = machine();
        on.run();
        const before = on.read(LIST);
        on.run({ main: `install_file ${F} <<<newer; ${end}` });
        expect(on.read(LIST)).toBe(before);
    });

    test("that cannot be written makes the step fail, and undo what it did", () => {
        const on = machine();
        on.sh(`mkdir -p ${LIST}`);
        expect(on.run().errors).toEqual([`error: cannot write ${LIST}: is the disk full?`]);
        expect(on.read(F)).toBe("old\n");
    });

    test("a step that is cut has changed a file, which the doctor names until the step ends well", () => {
        const on = machine();
        on.run();
        on.run({ main: `install_file ${F} <<<newer; kill -KILL $$` });
        expect(findings(on)).toEqual([`${F} is mode 644 of root:root instead of mode 600 of root:root (step ready)`]);
        on.run();
        expect(findings(on)).toEqual([]);
    });

    test("a file that the step no longer writes is not in it", () => {
        const on = machine();
        on.run();
        on.run({ main: `remove_file ${F}` });
        on.sh("echo edited >/etc/linkmesh/second");
        expect(findings(on)).toEqual([]);
        on.sh(`echo again >${F}`);
        expect(findings(on)).toEqual([`${F} is there, but pulumi up removed it (step ready)`]);
    });

    test("another step that takes over the part makes it go", () => {
        const on = machine();
        on.run();
        on.run({ main: `rm ${F}; forget ready; STEP=proxy; install_file /etc/linkmesh/second <<<mine` });
        expect(findings(on)).toEqual([]);
        expect(on.read(LIST)).toBeUndefined();
    });
});

test.each([
    ["edited", `echo edited >>${F}`, `${F} was edited (step ready)`],
    ["deleted", `rm ${F}`, `${F} is missing (step ready)`],
    [
        "readable for all",
        `chmod 644 ${F}`,
        `${F} is mode 644 of root:root instead of mode 600 of root:root (step ready)`,
    ],
    ["another's", `chown nobody ${F}`, `${F} is mode 600 of nobody:root instead of mode 600 of root:root (step ready)`],
    ["there again", "echo x >/etc/linkmesh/gone", "/etc/linkmesh/gone is there, but pulumi up removed it (step ready)"],
    [
        "a link that leads elsewhere",
        "ln -sfn one /etc/linkmesh/current",
        "/etc/linkmesh/current is link to one instead of link to two (step ready)",
    ],
    [
        "a part of somebody else's file",
        "sed -i s/ext4/xfs/ /etc/fstab",
        "the part of /etc/fstab between the marks of linkmesh-proxy was edited (step ready)",
    ],
    [
        "a value in somebody else's file",
        "sed -i s/4096/512/ /etc/nginx/nginx.conf",
        "/etc/nginx/nginx.conf sets worker_connections to 512 instead of 4096 (step ready)",
    ],
])("the doctor names what is %s, and the step mends it", (_, edit, sentence) => {
    const on = machine();
    on.run();
    on.sh(edit);
    expect(findings(on)).toEqual([sentence]);
    expect(on.run().status).toBe(0);
    expect(findings(on)).toEqual([]);
});

test.each([
    ["other lines of a file of which a part is ours", "sed -i '1i # mine' /etc/fstab"],
    ["other values of nginx.conf", "echo 'user www-data;' >>/etc/nginx/nginx.conf"],
    ["a file that no step wrote", "echo mine >/etc/linkmesh/mine"],
])("the doctor does not mind %s", (_, edit) => {
    const on = machine();
    on.run();
    on.sh(edit);
    expect(findings(on)).toEqual([]);
});

test("a key of config.yaml is named, and other keys and comments do not count", () => {
    // This machine may have another one.
    const stubs = { python3: 'exec /usr/bin/python3 "$@"' };
    const main = `record $STATE/config-keys <<<$'grpc: {port: 50061}\\nurl: https://a'
        install_file /etc/linkmesh/c.yaml <<<$'grpc: {port: 50061, x: 1}\\nurl: "https://a"'
        EXPECTED=()
        expect keys /etc/linkmesh/c.yaml 'as set'`;
    const on = new Machine({ step: "ready", main, stubs });
    on.run();
    on.sh("echo '# mine' >>/etc/linkmesh/c.yaml; sed -i 's/x: 1/x: 2/' /etc/linkmesh/c.yaml");
    expect(findings(on)).toEqual([]);
    on.sh("sed -i 's/50061/50062/; s/https/http/' /etc/linkmesh/c.yaml");
    expect(findings(on)).toEqual([
        "/etc/linkmesh/c.yaml does not have the settings' values of grpc.port, url (step ready)",
    ]);
});

test("config.yaml that was edited by hand keeps no earlier step from going on to the step that mends it", () => {
    const on = new Machine({
        step: "grpc-certificate",
        variables: { DOMAIN: "x.example.com", NAME: "x.example.com" },
        machine: {
            "/var/lib/linkmesh-proxy/config-keys": "grpc: {port: 50061}\n",
            "/etc/linkmesh/config.yaml": "grpc: {port: 50062}\n",
        },
        stubs: { python3: 'exec /usr/bin/python3 "$@"' },
        ...IMPATIENT,
    });
    expect(on.run()).toMatchObject({ status: 0, errors: [] });
    on.write("/etc/linkmesh/config.yaml", "grpc: {port: 50061}\n");
    expect(on.run().errors).toEqual([expect.stringMatching(/^error: LinkMesh does not answer/)]);
});

test("a machine that an older version set up has no list, which is a warning", () => {
    const on = machine();
    on.run();
    on.sh("rm -r /var/lib/linkmesh-proxy/expected");
    expect(findings(on)).toEqual([expect.stringMatching(/^the machine has no list of what the steps left/)]);
});

describe("the script that looks at the machine", () => {
    const LOOK = join(import.meta.dirname, "../../doctor/look.sh");

    test("writes nothing, and prints no checksum", () => {
        const on = machine();
        on.run();
        on.sh(`echo edited >>${F}`);
        on.write("/stub/look", factsScript(MARK));
        // The stubs note their calls.
        const written = () => on.written().filter((path) => !path.startsWith("stub"));
        const before = written();
        const printed = on.sh("PATH=/stub/bin:$PATH bash /stub/look; ls -A /tmp >&2");
        expect(written()).toEqual(before);
        expect(printed).toContain("differs\tready\tfile");
        expect(printed).toContain(`${MARK} complete`);
        expect(printed).not.toMatch(/[0-9a-f]{64}/);
    });

    test("says which questions could not be asked, and what their command said", () => {
        const on = machine();
        on.run();
        on.write("/stub/look", factsScript(MARK));
        const unasked = () =>
            readFacts(on.sh("PATH=/stub/bin:$PATH bash /stub/look"), MARK)
                .lines("unasked")
                .filter((line) => /^(updates|host|orders|expected) /.test(line));
        const stub = (name: string, script: string) => {
            on.write(`/stub/bin/${name}`, `#!/bin/sh\n${script}\n`);
            on.sh(`chmod 0755 /stub/bin/${name}`);
        };
        stub("dpkg-query", "");
        stub("apt-get", "echo Inst x");
        expect(unasked()).toEqual([]);
        stub("apt-get", "echo 'E: The lists are broken' >&2; exit 100");
        expect(unasked()).toEqual(["updates E: The lists are broken"]);
    });

    test("is formatted, and shellcheck finds nothing in it", () => {
        const text = readFileSync(LOOK, "utf8");
        expect(shfmt(text, "--indent", "4")).toBe(text);
        expect(text.split("\n").filter((line) => [...line].length > 120)).toEqual([]);
        const run = spawnSync("shellcheck", ["--external-sources", LOOK], { encoding: "utf8" });
        expect(run.stdout + run.stderr).toBe("");
        expect(spawnSync("bash", ["-n"], { input: factsScript(MARK), encoding: "utf8" }).stderr).toBe("");
    });
});
