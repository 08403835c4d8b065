import { describe, expect, test } from "vitest";
import { CONFIG, ENVIRONMENT, linkmesh, running, STATE } from "./linkmesh.ts";
import { IMPATIENT, Machine, type Given } from "./step.ts";

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
    const silent = linkmesh(`${migrates}; [ "$v" = 1.0 ]`);
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

    test("a LinkMesh that somebody stopped, masked or took off hold is as it should be again", () => {
        const on = machine({
            variables: { NAME: "one", DOMAIN: "x.example.com", ENVIRONMENT_FILE: ENVIRONMENT, DIRECTORIES: "" },
        });
        on.sh("rm /stub/active/linkmesh-server; echo masked >/stub/enabled");
        const { status, calls } = on.run();
        expect(status).toBe(0);
        expect(calls).toContain("systemctl unmask --quiet linkmesh-server.service");
        expect(calls).toContain("systemctl enable --quiet linkmesh-server.service");
        expect(calls).toContain("systemctl restart linkmesh-server");
        expect(calls).toContain("apt-mark hold linkmesh-server");
        on.sh("echo enabled >/stub/enabled");
        const again = on.run().calls;
        expect(again).not.toContain("systemctl restart linkmesh-server");
        expect(again.filter((call) => /^systemctl (unmask|enable)/.test(call))).toEqual([]);
    });

    test.each<[string, Given["stubs"], RegExp]>([
        [
            "does not answer",
            silent,
            /^error: LinkMesh 2\.0 does not answer, so 1\.0 and what linkmeshDataPaths held are in place again: see/,
        ],
        [
            "cannot be installed",
            linkmesh("true", { apt: `[ "\${!#}" = ${PACKAGES}/one.deb ] || { echo 'E: broken'; exit 100; }` }),
            /^error: apt-get install failed: E: broken So 1\.0 and what linkmeshDataPaths held are in place again: check/,
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
        const on = machine({ stubs: { df: "echo Avail; echo 1000", mountpoint: "true" } });
        const before = on.files();
        const ran = on.run();
        expect(ran.errors).toEqual([
            expect.stringMatching(
                /^error: the data volume has 0 MiB left, .*: set dataVolumeSize to a larger value\.$/,
            ),
        ]);
        expect(on.run({ stubs: { mountpoint: "false" } }).errors).toEqual([
            expect.stringMatching(/^error: the machine's disk has 0 MiB left, .*: free some there, or set an imageId/),
        ]);
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
