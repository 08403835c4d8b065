import { describe, expect, test } from "vitest";
import { Machine, selfSigned, type Given } from "./step.ts";

const STATE = "/var/lib/linkmesh-proxy";
const CONFIG = "/etc/linkmesh/config.yaml";
const ENVIRONMENT = "/etc/default/linkmesh-server";
const { certificate } = selfSigned("linkmesh.example.com");
const GRPC_NAME = "grpc.example.com";
const named = selfSigned("linkmesh.example.com", GRPC_NAME).certificate;
/** `cert init` adds the name. */
const CERT_INIT = { runuser: "cat /stub/named.pem >/stub/grpc.pem" };

/**
 * LinkMesh as a unit that serves what it was started with: it answers when `works` is true of its files. The version
 * that is installed is a file of /stub, which apt-get changes.
 */
function linkmesh(works: string, { grpc = "50061", apt = "true" } = {}): NonNullable<Given["stubs"]> {
    return {
        systemctl: `case "$*" in
            start\\ * | restart\\ *) touch /stub/active/linkmesh-server; if ${works}; then touch /stub/answers; else rm -f /stub/answers; fi ;;
            stop\\ *) rm -f /stub/active/linkmesh-server /stub/answers ;;
            is-active*) [ -e /stub/active/linkmesh-server ] ;;
            is-failed*) [ ! -e /stub/answers ] ;;
            *NRestarts*) echo 0 ;;
            is-enabled*) true ;;
            esac`,
        curl: "if [ -e /stub/answers ]; then printf 200; else printf 000; fi",
        openssl: `case "$*" in
            "s_client -connect 127.0.0.1:${grpc} "*) [ ! -e /stub/answers ] || cat /stub/grpc.pem ;;
            s_client*) ;;
            *) exec /usr/bin/openssl "$@" ;;
            esac`,
        "dpkg-query": `[ -s /stub/version ] || exit 1; case "$*" in *Status*) echo installed ;; *) cat /stub/version ;; esac`,
        "dpkg-deb": `case "\${!#}" in Version) sed -n 1p "$2" ;; Architecture) echo amd64 ;; esac`,
        dpkg: `case "$1" in --print-architecture) echo amd64 ;; --configure) ;; *) exec /usr/bin/dpkg "$@" ;; esac`,
        "apt-get": `case "$*" in *install*) ${apt}; sed -n 1p "\${!#}" >/stub/version; systemctl restart linkmesh-server ;; esac`,
        // The steps look whether time is over by the shell's own clock.
        sleep: "/usr/bin/sleep 1",
    };
}
const IMPATIENT = { main: `wait_until() { shift; "$@"; }\nmain_of_the_step` };
const running = {
    "/stub/active/linkmesh-server": "",
    "/stub/answers": "",
    "/stub/version": "1.0\n",
    "/stub/grpc.pem": certificate,
};

describe("the step config", () => {
    const machine = (given: Given = {}) =>
        new Machine({
            step: "config",
            variables: { DOMAIN: "linkmesh.example.com", GRPC_NAME: "linkmesh.example.com" },
            // The merge itself has tests of its own.
            files: { "config.yaml": "new\n", "merge_config.py": "" },
            ...given,
            machine: { ...running, "/srv/linkmesh/identity/user": "", [CONFIG]: "old\n", ...given.machine },
            stubs: {
                ...linkmesh("true"),
                python3: `cat "$3"; echo pending >"$4/pending"; echo record >"$4/record"`,
                ...given.stubs,
            },
        });

    test("swaps the file, restarts LinkMesh and records what was there; once more, it restarts nothing", () => {
        const on = machine();
        on.sh(`chmod 0640 ${CONFIG}; chown games:games ${CONFIG}`);
        expect(on.run()).toMatchObject({ status: 0, errors: [] });
        expect([on.read(CONFIG), on.mode(CONFIG), on.sh(`stat -c %U:%G ${CONFIG}`)]).toEqual([
            "new\n",
            "640",
            "games:games\n",
        ]);
        expect([on.read(`${STATE}/config-record`), on.mode(`${STATE}/config-record`)]).toEqual(["record\n", "600"]);
        expect(on.read(`${STATE}/config-record.pending`)).toBeUndefined();
        expect(on.run().calls.filter((call) => call.startsWith("systemctl restart"))).toEqual([]);
    });

    test("adds the name to the certificate on the gRPC port, since another database may lack it", () => {
        const on = machine({ machine: { "/stub/named.pem": named }, stubs: CERT_INIT });
        const ran = on.run({ variables: { GRPC_NAME } });
        expect(ran).toMatchObject({ status: 0, errors: [] });
        expect(ran.calls).toContain(`runuser -u linkmesh -- linkmesh-server cert init --san dns:${GRPC_NAME}`);
        // Not with gRPC off, nor when it has the name.
        const more = [on.run({ variables: { GRPC_NAME: "" } }), on.run({ variables: { GRPC_NAME } })];
        expect(more.flatMap(({ calls }) => calls).filter((call) => call.startsWith("runuser"))).toEqual([]);
    });

    test.each<[string, Given["stubs"], RegExp]>([
        [
            "LinkMesh does not answer with",
            linkmesh(`grep -q old ${CONFIG}`),
            /LinkMesh does not answer with the new config\.yaml, so the old one is in place again/,
        ],
        [
            "puts gRPC elsewhere than",
            linkmesh("true", { grpc: "50051" }),
            /does not listen for gRPC on port 50061 .*so the old one is in place again/,
        ],
        [
            "cannot be recorded after",
            { ...linkmesh("true"), sync: `! [[ "$1" = ${STATE}/.linkmesh* ]] || ! grep -q record "$1"` },
            /cannot write .*config-record/,
        ],
    ])("a configuration that LinkMesh %s it: the old one is back, and LinkMesh runs with it", (kind, stubs, error) => {
        const on = machine({ stubs });
        const ran = on.run(IMPATIENT);
        expect(ran.errors).toEqual([expect.stringMatching(error)]);
        if (kind.startsWith("cannot")) return;
        expect(on.read(CONFIG)).toBe("old\n");
        expect(on.read(`${STATE}/previous/config.yaml`)).toBeUndefined();
        expect(ran.calls.filter((call) => call === "systemctl restart linkmesh-server")).toHaveLength(2);
        expect(on.sh("ls /stub/answers")).toBe("/stub/answers\n");
    });

    test.each([
        ["the new file proves itself: it stays", "true", "new\n", 0],
        ["the new file does not: the old one is back", `grep -q old ${CONFIG}`, "old\n", 1],
    ])("cut between the swap and the restart, the next run restarts; %s", (_, works, content, status) => {
        const on = machine();
        const cut = { ...linkmesh("true"), systemctl: "kill -KILL $PPID" };
        expect(on.run({ stubs: cut }).status).not.toBe(0);
        expect(on.read(CONFIG)).toBe("new\n");
        const ran = on.run({ ...IMPATIENT, stubs: linkmesh(works) });
        expect([ran.status, on.read(CONFIG)]).toEqual([status, content]);
        expect(ran.calls).toContain("systemctl restart linkmesh-server");
    });
});

describe("the step environment", () => {
    const machine = (stubs: Given["stubs"]) =>
        new Machine({
            step: "environment",
            variables: {
                DOMAIN: "linkmesh.example.com",
                GRPC_NAME: "linkmesh.example.com",
                ENVIRONMENT_FILE: ENVIRONMENT,
            },
            files: { entries: 'A="b"\n' },
            machine: { ...running, [ENVIRONMENT]: { link: "/srv/linkmesh/env" }, "/srv/linkmesh/env": "SECRET=x" },
            stubs,
        });

    test("puts the entries after the package's, and removes them again", () => {
        const on = machine(linkmesh("true"));
        expect(on.run()).toMatchObject({ status: 0, errors: [] });
        expect(on.read("/srv/linkmesh/env")).toBe('SECRET=x\n# BEGIN linkmesh-proxy\nA="b"\n# END linkmesh-proxy\n');
        expect(on.run({ files: { entries: "" } }).status).toBe(0);
        expect(on.read("/srv/linkmesh/env")).toBe("SECRET=x\n");
    });

    test("adds the name to the certificate on the gRPC port when something changed", () => {
        const on = machine({ ...linkmesh("true"), ...CERT_INIT });
        on.write("/stub/named.pem", named);
        expect(on.run({ variables: { GRPC_NAME } }).calls).toContain(
            `runuser -u linkmesh -- linkmesh-server cert init --san dns:${GRPC_NAME}`,
        );
        expect(on.run({ variables: { GRPC_NAME } }).calls.filter((call) => call.startsWith("runuser"))).toEqual([]);
    });

    test("removes entries with which LinkMesh does not start", () => {
        const on = machine(linkmesh("! grep -q BEGIN /srv/linkmesh/env"));
        const before = on.files();
        const ran = on.run(IMPATIENT);
        expect(ran.errors).toEqual([expect.stringContaining("does not answer with the new env")]);
        expect(on.files()).toEqual(before);
        expect(on.sh("ls /stub/answers")).toBe("/stub/answers\n");
    });
});

describe("the step install", () => {
    const PACKAGES = "/srv/linkmesh/package";
    const COPY = "/srv/linkmesh/before-upgrade";
    const DB = "/var/lib/linkmesh/state.db";
    /** Version 1.0 in use, the next one at hand; a package's first line is its version. */
    const inUse = {
        ...running,
        [`${PACKAGES}/one.deb`]: "1.0\n",
        [`${PACKAGES}/two.deb`]: "2.0\n",
        [`${PACKAGES}/in-use`]: "one 1.0\n",
        [`${STATE}/package`]: "one\n",
        [DB]: "data of 1.0\n",
        [`/srv/linkmesh/files${ENVIRONMENT}`]: "SECRET=x\n",
        [ENVIRONMENT]: { link: `/srv/linkmesh/files${ENVIRONMENT}` },
        [CONFIG]: "config of 1.0\n",
    };
    /** What a version does to the data as soon as it runs. The old one cannot read what the new one has begun. */
    const migrates = `v=$(cat /stub/version); [ "$(cat ${DB}) $v" = "half of 2.0 1.0" ] || echo "data of $v" >${DB}`;
    const good = linkmesh(`${migrates}; true`);
    const broken = linkmesh(`${migrates}; [ "$v" = 1.0 ]`);
    const machine = (given: Given = {}) =>
        new Machine({
            step: "install",
            variables: {
                NAME: "two",
                DOMAIN: "linkmesh.example.com",
                ENVIRONMENT_FILE: ENVIRONMENT,
                DIRECTORIES: "/var/lib/linkmesh",
            },
            ...given,
            machine: { ...inUse, ...given.machine },
            stubs: { ...good, id: "echo 990", ...given.stubs },
        });
    const state = (on: Machine) => ({
        version: on.sh("cat /stub/version").trim(),
        data: on.read(DB)!.trim(),
        inUse: on.read(`${PACKAGES}/in-use`)!.trim(),
        copy: on.sh(`ls ${COPY} 2>/dev/null || true`).includes("pending") ? "counts" : "old",
    });
    const OLD = { version: "1.0", data: "data of 1.0", inUse: "one 1.0", copy: "old" };
    const NEW = { version: "2.0", data: "data of 2.0", inUse: "two 2.0", copy: "old" };

    test("copies the data while LinkMesh is stopped, before another version comes to them", () => {
        const on = machine();
        const ran = on.run();
        expect(ran).toMatchObject({ status: 0, errors: [] });
        expect(state(on)).toEqual(NEW);
        expect(on.read(`${COPY}/paths${DB}`)).toBe("data of 1.0\n");
        expect(on.sh(`ls ${PACKAGES}`)).toBe("in-use\ntwo.deb\n");
        const at = (text: string) => ran.calls.findIndex((call) => call.includes(text));
        expect(at("systemctl stop linkmesh-server")).toBeLessThan(at("apt-get -qq"));
        expect(at("apt-mark hold")).toBeGreaterThan(0);
        expect(state((on.run(), on))).toEqual(NEW);
    });

    test.each<[string, Given["stubs"], RegExp]>([
        [
            "does not answer",
            broken,
            /^error: LinkMesh 2\.0 does not answer, so 1\.0 and its data are in place again: see/,
        ],
        [
            "cannot be installed",
            linkmesh("true", { apt: `[ "\${!#}" = ${PACKAGES}/one.deb ] || { echo 'E: broken'; exit 100; }` }),
            /^error: apt-get install failed: E: broken So 1\.0 and its data are in place again: check that package/,
        ],
        [
            "takes too long",
            linkmesh(`${migrates}; [ "$v" = 1.0 ] || kill -TERM $(cat /stub/step)`),
            /^error: the step install took longer/,
        ],
        [
            "is recorded on a full disk",
            { ...good, sync: `! [[ "$1" = ${PACKAGES}/.linkmesh* ]]` },
            /^error: cannot write .*in-use: is the disk full/,
        ],
    ])("a version that %s: the old one and its data are back, with one error", (_, stubs, error) => {
        const on = machine();
        const before = on.files();
        const ran = on.run({ stubs, main: `echo $$ >/stub/step; ${IMPATIENT.main}` });
        expect(ran.errors).toEqual([expect.stringMatching(error)]);
        expect(ran.stdout).toBe("");
        expect(state(on)).toEqual(OLD);
        for (const path of [CONFIG, ENVIRONMENT, `${PACKAGES}/two.deb`]) expect(on.read(path)).toBe(before[path]);
        expect(on.sh("ls /stub/answers")).toBe("/stub/answers\n");
        // The next good one goes on from there.
        expect(on.run({ stubs: good }).status).toBe(0);
        expect(state(on)).toEqual(NEW);
    });

    const DROP_IN = "/etc/systemd/system/linkmesh-server.service.d/10-linkmesh-proxy.conf";

    test("without room for a copy nothing changes, and LinkMesh keeps running", () => {
        const on = machine({ stubs: { df: "echo Avail; echo 1000" } });
        const before = on.files();
        const ran = on.run();
        expect(ran.errors).toEqual([expect.stringMatching(/set dataVolumeSize to a larger value/)]);
        // LinkMesh is never without what keeps it from empty directories.
        const { [DROP_IN]: guard, ...others } = on.files();
        expect(others).toEqual(before);
        expect(guard).toContain("RequiresMountsFor=/srv/linkmesh");
        expect(ran.calls).not.toContain("systemctl stop linkmesh-server");
    });

    test("the data of a LinkMesh that does not stop are not copied", () => {
        const on = machine({ stubs: { systemctl: good.systemctl!.replace(/stop\\ \*\).*;;/, "stop*) false ;;") } });
        expect(on.run().errors).toEqual([expect.stringContaining("LinkMesh does not stop")]);
        expect(state(on)).toEqual(OLD);
    });

    const copied = {
        [`${COPY}/paths${DB}`]: "data of 1.0\n",
        [`${COPY}/environment`]: "SECRET=x\n",
        [`${COPY}/config.yaml`]: "config of 1.0\n",
    };
    const ruined = { ...inUse, ...copied, [DB]: "half of 2.0\n" };
    const half = { ...ruined, "/stub/version": "2.0\n", [`${STATE}/package`]: "two\n" };
    const pending = { [`${COPY}/pending`]: "one\n" };

    test.each<{ found: string; wanted: "one" | "two"; machine: Given["machine"]; then: ReturnType<typeof state> }>([
        {
            found: "an upgrade cut before the new package",
            wanted: "one",
            machine: { ...inUse, ...copied, ...pending },
            then: OLD,
        },
        {
            found: "an upgrade cut before the new package",
            wanted: "two",
            machine: { ...inUse, ...copied, ...pending },
            then: NEW,
        },
        {
            found: "an upgrade cut with the new package at the data",
            wanted: "one",
            machine: { ...half, ...pending },
            then: OLD,
        },
        {
            found: "an upgrade cut with the new package at the data",
            wanted: "two",
            machine: { ...half, ...pending },
            then: NEW,
        },
        {
            found: "a way back cut in its midst",
            wanted: "one",
            machine: { ...half, ...pending, [`${COPY}/restoring`]: "" },
            then: OLD,
        },
        {
            found: "a way back cut in its midst",
            wanted: "two",
            machine: { ...half, ...pending, [`${COPY}/restoring`]: "" },
            then: NEW,
        },
        {
            found: "a copy of another package, from before later upgrades",
            wanted: "one",
            machine: { ...inUse, ...copied, [`${COPY}/paths${DB}`]: "ancient\n", [`${COPY}/pending`]: "zero\n" },
            then: OLD,
        },
        {
            found: "an old copy that no longer counts",
            wanted: "one",
            machine: { ...inUse, ...copied, [`${COPY}/paths${DB}`]: "ancient\n" },
            then: OLD,
        },
    ])("$found, $wanted wanted: $then.data", ({ wanted, machine: found, then }) => {
        const on = machine({ machine: found });
        expect(on.run({ variables: { NAME: wanted } })).toMatchObject({ status: 0, errors: [] });
        expect(state(on)).toEqual(then);
        expect(on.sh(`ls ${COPY}`)).not.toContain("restoring");
    });

    test("an old package that cannot be put back is an error, LinkMesh stays stopped, and the next run tries again", () => {
        const on = machine({ machine: { ...half, ...pending } });
        const variables = { NAME: "one" };
        const ran = on.run({ variables, stubs: linkmesh("true", { apt: "echo 'E: no'; exit 100" }) });
        expect(ran.errors).toEqual([expect.stringContaining("apt-get install failed: E: no")]);
        expect(on.read(`${COPY}/restoring`)).toBe("");
        expect(on.run({ variables }).status).toBe(0);
        expect(state(on)).toEqual(OLD);
    });

    test("the environment file moves to the volume with its mode, and one that is there wins over the package's", () => {
        const first = machine({ machine: { [ENVIRONMENT]: "SECRET=mine\n" } });
        first.sh(`rm -r /srv/linkmesh/files; chmod 0640 ${ENVIRONMENT}`);
        expect(first.run().status).toBe(0);
        const kept = `/srv/linkmesh/files${ENVIRONMENT}`;
        expect([first.read(ENVIRONMENT), first.read(kept), first.mode(kept)]).toEqual([
            `-> ${kept}`,
            "SECRET=mine\n",
            "640",
        ]);
        const second = machine({ machine: { [ENVIRONMENT]: "SECRET=the package's\n" } });
        expect(second.run().status).toBe(0);
        expect([second.read(ENVIRONMENT), second.read(kept)]).toEqual([`-> ${kept}`, "SECRET=x\n"]);
    });

    test("a package that cannot be installed leaves the drop-in as it was, and systemd reads it again", () => {
        const on = machine();
        on.run({ variables: { NAME: "one" } });
        const before = on.read("/etc/systemd/system/linkmesh-server.service.d/10-linkmesh-proxy.conf");
        const stubs = linkmesh("true", { apt: `[ "\${!#}" = ${PACKAGES}/one.deb ] || exit 100` });
        const ran = on.run({ variables: { DIRECTORIES: "/var/lib/linkmesh\n/var/lib/other" }, stubs });
        expect(ran.status).toBe(1);
        expect(on.read("/etc/systemd/system/linkmesh-server.service.d/10-linkmesh-proxy.conf")).toBe(before);
        expect(ran.calls.filter((call) => call === "systemctl daemon-reload")).toHaveLength(2);
    });
});

describe("the step package", () => {
    const FROM_SOURCE = {
        "deb-url": "",
        "apt-source": "https://apt.example.com stable main\n",
        "apt-auth": "machine https://apt.example.com login us password secret\n",
        "apt-key.asc": "KEY\n",
    };
    const machine = (given: Given = {}) =>
        new Machine({
            step: "package",
            variables: { NAME: "2.0" },
            files: FROM_SOURCE,
            ...given,
            stubs: {
                ...linkmesh("true"),
                "apt-cache": `echo "linkmesh-server | 2.0 | https://apt.example.com"`,
                "apt-get": `case "$*" in *download*) echo 2.0 >linkmesh-server_2.0.deb ;; esac`,
                ...given.stubs,
            },
        });
    const SOURCE = "/etc/apt/sources.list.d/linkmesh.list";
    const LOGIN = "/etc/apt/auth.conf.d/linkmesh.conf";

    test("puts the package from the source on the data volume", () => {
        const on = machine();
        expect(on.run()).toMatchObject({ status: 0, errors: [] });
        expect(on.read("/srv/linkmesh/package/2.0.deb")).toBe("2.0\n");
        expect(on.read(SOURCE)).toBe(
            "deb [signed-by=/etc/apt/keyrings/linkmesh.asc] https://apt.example.com stable main\n",
        );
    });

    test.each<[string, Given, RegExp]>([
        ["without the version", { stubs: { "apt-cache": "true" } }, /has no linkmesh-server 2\.0/],
        [
            "that cannot be read",
            {
                stubs: {
                    "apt-cache": "true",
                    "apt-get": "echo 'W: Failed to fetch https://apt.example.com  no route'",
                },
            },
            /linkmeshAptSource: .* cannot be read \(Failed to fetch https:\/\/apt\.example\.com {2}no route\)/,
        ],
        [
            "whose update fails",
            { stubs: { "apt-get": "echo 'E: no key'; exit 100" } },
            /apt-get update failed: E: no key Check linkmeshAptSource/,
        ],
        [
            "whose package is older than the data",
            { machine: { "/srv/linkmesh/package/in-use": "three 3.0\n" } },
            /LinkMesh 3\.0 has written the data and 2\.0 is older/,
        ],
        [
            "whose package is older than the machine's",
            { machine: { "/stub/version": "3.0\n" } },
            /LinkMesh 3\.0 has written the data and 2\.0 is older/,
        ],
        [
            "when the volume is full",
            { stubs: { cp: `! [[ "\${!#}" = /srv/* ]] || exit 1; exec /usr/bin/cp "$@"` } },
            /has no room for the LinkMesh package/,
        ],
    ])("a source %s is taken back", (_, given, error) => {
        const on = machine({
            ...given,
            machine: {
                ...given.machine,
                [SOURCE]: "deb before\n",
                [LOGIN]: "machine before\n",
                "/etc/apt/keyrings/linkmesh.asc": "KEY BEFORE\n",
            },
        });
        const before = on.files();
        expect(on.run().errors).toEqual([expect.stringMatching(error)]);
        expect(on.files()).toEqual(before);
    });

    test.each<[string, string, boolean]>([
        ["1.9", "two 2.0", false],
        ["2.0", "two 2.0", true],
        ["2.0~rc1", "two 2.0", false],
        ["2.1", "two 2.0", true],
        ["1:1.0", "two 2.0", true],
        ["1.9", "", true],
    ])("%s after '%s': %s", (version, inUse, allowed) => {
        const found: Record<string, string> = inUse === "" ? {} : { "/srv/linkmesh/package/in-use": `${inUse}\n` };
        const on = machine({
            machine: { ...found, [`/srv/linkmesh/package/${version}.deb`]: `${version}\n` },
            variables: { NAME: version },
        });
        const ran = on.run();
        expect(ran.status === 0).toBe(allowed);
        if (!allowed) expect(ran.errors).toEqual([expect.stringContaining("so nothing was changed")]);
    });
});
