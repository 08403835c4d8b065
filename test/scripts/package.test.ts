import { describe, expect, test } from "vitest";
import { linkmesh } from "./linkmesh.ts";
import { Machine, type Given } from "./step.ts";

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
