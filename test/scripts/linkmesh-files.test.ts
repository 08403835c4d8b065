import { describe, expect, test } from "vitest";
import { renderFiles } from "../../components/host/render/linkmesh.ts";
import { LINKMESH_FILES_FOLDER as FOLDER } from "../../components/settings/schema/linkmesh.ts";
import { CONFIG, linkmesh, running, STATE } from "./linkmesh.ts";
import { IMPATIENT, Machine, selfSigned, type Given } from "./step.ts";

const GRPC_NAME = "grpc.example.com";
const KEY = `${FOLDER}/git-key`;
const CA = `${FOLDER}/ca.pem`;
/** The group exists, and no user linkmesh has to be looked up. */
const USER = { id: "echo 990", getent: "true", chown: "true" };
const RESTART = "systemctl restart linkmesh-server";
const expected = (on: Machine, step: string) => on.read(`${STATE}/expected/${step}`) ?? "";

const entries = (files: Record<string, string>) => ({ files: { entries: renderFiles(files) } });
const machine = (given: Given = {}) =>
    new Machine({
        step: "files",
        variables: { DOMAIN: "linkmesh.example.com", GRPC_NAME: "linkmesh.example.com" },
        ...entries({ "git-key": "new\n", "ca.pem": 'it\'s "$HOME" é\nEND_OF_FILE\n' }),
        ...given,
        machine: { ...running, "/srv/linkmesh/identity/user": "990 990\n", [KEY]: "old\n", ...given.machine },
        stubs: { ...linkmesh("true"), ...USER, ...given.stubs },
    });

describe("the step files", () => {
    test("writes each file as it is, for root and LinkMesh alone, and restarts LinkMesh; once more, it restarts nothing", () => {
        const on = machine();
        const ran = on.run();
        expect(ran).toMatchObject({ status: 0, errors: [] });
        expect([on.read(KEY), on.read(CA)]).toEqual(["new\n", 'it\'s "$HOME" é\nEND_OF_FILE\n']);
        expect([on.mode(FOLDER), on.mode(KEY), on.mode(CA)]).toEqual(["750", "640", "640"]);
        expect(ran.calls.filter((call) => call.startsWith("chown"))).toContain(`chown root:linkmesh ${FOLDER}`);
        expect(ran.calls).toContain(RESTART);
        expect(expected(on, "files")).toMatch(new RegExp(`^file\t${CA}\tmode 640 .*\nfile\t${KEY}\tmode 640 .*\n$`));
        expect(Object.keys(on.files()).filter((path) => path.includes("previous"))).toEqual([]);
        expect(on.run().calls).not.toContain(RESTART);
    });

    /** Kills the step at its first call of a command whose arguments match. */
    const cutAt = (command: string, when: string) => ({
        ...linkmesh("true"),
        ...USER,
        [command]: `if ${when}; then kill -KILL $PPID; exit; fi; exec /usr/bin/${command} "$@"`,
    });

    test.each([
        ["while the old files are copied", "sync", `[[ "$*" = "-f "*previous-files.new ]]`],
        ["when they are copied", "sync", `[ "$*" = ${STATE} ] && [ -e ${STATE}/previous-files ]`],
        ["with a file half written", "sync", `[ "$*" = ${FOLDER}/.new ]`],
        ["after a file", "sync", `[ "$*" = ${FOLDER} ]`],
        ["while the copy is dropped", "rm", `[ "$*" = "-rf ${STATE}/previous-files.new" ] && grep -q new ${KEY}`],
    ])(
        "on a machine without LinkMesh, cut %s: the next run does what is left, and nothing else stays",
        (_, command, when) => {
            const on = machine();
            on.sh("rm /stub/answers /stub/active/linkmesh-server; : >/stub/version");
            // There is no unit either.
            const absent = { systemctl: `case "$*" in restart*) exit 5 ;; *MainPID*) echo 0 ;; esac` };
            expect(on.run({ stubs: { ...cutAt(command, when), ...absent } }).status).not.toBe(0);
            const ran = on.run({ ...IMPATIENT, stubs: absent });
            expect(ran).toMatchObject({ status: 0, errors: [] });
            expect(on.read(KEY)).toBe("new\n");
            expect(ran.calls).not.toContain(RESTART);
            expect(on.sh(`ls -A ${FOLDER}; ls -A ${STATE}`)).toBe("ca.pem\ngit-key\nexpected\nlock\n");
        },
    );

    test("on a machine without LinkMesh, its user is there before the files, with the number that it had", () => {
        const on = machine({
            machine: { "/stub/version": "", "/srv/linkmesh/identity/user": "901 902\n" },
            stubs: {
                ...USER,
                id: `[ -e /stub/user ] && case $1 in -u) echo 901 ;; *) echo 902 ;; esac`,
                getent: "false",
                groupadd: "true",
                useradd: "touch /stub/user",
            },
        });
        on.sh("rm /stub/answers /stub/active/linkmesh-server");
        const ran = on.run();
        expect(ran).toMatchObject({ status: 0, errors: [] });
        expect(ran.calls).toContain("groupadd --system --gid 902 linkmesh");
        expect(ran.calls.find((call) => call.startsWith("useradd"))).toContain("--uid 901");
        expect(on.read(KEY)).toBe("new\n");
        expect(ran.calls).not.toContain(RESTART);
        on.sh("rm /stub/user /srv/linkmesh/identity/user");
        expect(on.run().calls.find((call) => call.startsWith("useradd"))).not.toContain("--uid");
    });

    test("a file that is no longer set stays, because the configuration may name it", () => {
        const on = machine();
        expect(on.run(entries({ "ca.pem": "x\n" })).status).toBe(0);
        expect(on.read(KEY)).toBe("old\n");
    });

    test("adds the name to the certificate on the gRPC port, since another internal CA may lack it", () => {
        const on = machine({
            machine: { "/stub/named.pem": selfSigned("linkmesh.example.com", GRPC_NAME).certificate },
            stubs: { runuser: "cat /stub/named.pem >/stub/grpc.pem" },
        });
        expect(on.run({ variables: { GRPC_NAME } }).calls).toContain(
            `runuser -u linkmesh -- linkmesh-server cert init --san dns:${GRPC_NAME}`,
        );
    });

    test.each<[string, Given["stubs"], RegExp]>([
        [
            "LinkMesh does not answer with",
            linkmesh(`grep -q old ${KEY}`),
            /^error: LinkMesh does not answer with the new linkmeshFiles, so the old ones are in place again: see/,
        ],
        [
            "have no room",
            { ...linkmesh("true"), sync: `! [[ "$1" = ${FOLDER}/.new ]] || ! grep -q new "$1"` },
            /^error: cannot write .*git-key: is the disk full/,
        ],
    ])("files that %s: the old ones are back, and LinkMesh runs with them", (_, stubs, error) => {
        const on = machine();
        const before = on.files();
        const ran = on.run({ ...IMPATIENT, stubs: { ...stubs, ...USER } });
        expect(ran.errors).toEqual([expect.stringMatching(error)]);
        expect(on.files()).toEqual(before);
        expect(on.sh("ls /stub/answers")).toBe("/stub/answers\n");
    });

    test.each([
        ["the new files prove themselves: they stay", "true", "new\n", 0],
        ["the new files do not: the old ones are back", `grep -q old ${KEY}`, "old\n", 1],
    ])("cut between the swap and the restart, the next run restarts; %s", (_, works, content, status) => {
        const on = machine();
        const cut = { ...linkmesh("true"), ...USER, systemctl: `case "$*" in restart*) kill -KILL $PPID ;; esac` };
        expect(on.run({ stubs: cut }).status).not.toBe(0);
        expect(on.read(KEY)).toBe("new\n");
        on.sh("rm /stub/answers");
        const ran = on.run({ ...IMPATIENT, stubs: { ...linkmesh(works), ...USER } });
        expect([ran.status, on.read(KEY)]).toEqual([status, content]);
        expect(ran.calls).toContain(RESTART);
    });

    test("a LinkMesh that was down may need what later steps bring: the files stay, and it is started", () => {
        const on = machine({ stubs: linkmesh("false") });
        on.sh("rm /stub/answers");
        const ran = on.run(IMPATIENT);
        expect(ran).toMatchObject({ status: 0, errors: [] });
        expect(on.read(KEY)).toBe("new\n");
        expect(ran.calls).toContain(RESTART);
    });
});

describe("the step config", () => {
    const config = (given: Given = {}) =>
        new Machine({
            step: "config",
            variables: { DOMAIN: "linkmesh.example.com", GRPC_NAME: "", FILE_NAMES: "ca.pem", ...given.variables },
            files: { "config.yaml": "new\n", "merge_config.py": "" },
            machine: {
                ...running,
                "/srv/linkmesh/identity/user": "",
                [CONFIG]: "old\n",
                [CA]: "x\n",
                [KEY]: "old\n",
                [`${STATE}/expected/files`]: "x\n",
            },
            stubs: {
                ...linkmesh("true"),
                python3: `cat "$3"; echo pending >"$4/pending"; echo record >"$4/record"`,
                ...given.stubs,
            },
        });

    test("removes the files that are no longer set, and restarts LinkMesh once more; then nothing", () => {
        const on = config();
        const ran = on.run();
        expect(ran).toMatchObject({ status: 0, errors: [] });
        expect([on.read(KEY), on.read(CA)]).toEqual([undefined, "x\n"]);
        expect(ran.calls.filter((call) => call === RESTART)).toHaveLength(2);
        expect(expected(on, "config")).toContain(`file\t${KEY}\tmissing\n`);
        expect(expected(on, "files")).toBe("x\n");
        expect(on.run().calls).not.toContain(RESTART);
    });

    test("without files, the doctor no longer looks for those of the step files", () => {
        const on = config();
        expect(on.run({ variables: { FILE_NAMES: "" } }).status).toBe(0);
        expect([on.read(KEY), on.read(CA), on.read(`${STATE}/expected/files`)]).toEqual([
            undefined,
            undefined,
            undefined,
        ]);
    });

    test.each([
        ["does without the file: it is gone", "true", undefined, 0],
        ["does not: the file is in place again", `[ -e ${KEY} ]`, "old\n", 1],
    ])(
        "cut before LinkMesh has answered without a file, the next run restarts; LinkMesh %s",
        (_, works, content, status) => {
            const on = config();
            const { systemctl, ...others } = linkmesh("true");
            const cut = `case "$*" in restart*) [ -e ${KEY} ] || kill -KILL $PPID ;; esac; ${systemctl}`;
            const none = { variables: { FILE_NAMES: "" } };
            expect(on.run({ ...none, stubs: { ...others, systemctl: cut } }).status).not.toBe(0);
            expect([on.read(KEY), on.read(CONFIG)]).toEqual([undefined, "new\n"]);
            const ran = on.run({ ...none, ...IMPATIENT, stubs: linkmesh(works) });
            expect([ran.status, on.read(KEY)]).toEqual([status, content]);
            expect(ran.calls).toContain(RESTART);
            expect(ran.errors.join()).toMatch(
                status === 0 ? /^$/ : /without files that linkmeshFiles lacks \(ca\.pem git-key\)/,
            );
            expect(on.read(`${STATE}/expected/files`)).toBe(status === 0 ? undefined : "x\n");
            expect(Object.keys(on.files()).filter((path) => path.includes("previous"))).toEqual([]);
            expect(on.sh("ls /stub/answers")).toBe("/stub/answers\n");
        },
    );

    test("a file that LinkMesh cannot do without is in place again, and the new config.yaml stays", () => {
        const on = config({ stubs: linkmesh(`[ -e ${KEY} ]`) });
        const ran = on.run(IMPATIENT);
        expect(ran.errors).toEqual([
            expect.stringMatching(
                /^error: LinkMesh does not answer without files that linkmeshFiles lacks \(git-key\), so they are in place again: see/,
            ),
        ]);
        expect([on.read(KEY), on.read(CONFIG)]).toEqual(["old\n", "new\n"]);
        expect(on.sh("ls /stub/answers")).toBe("/stub/answers\n");
    });

    test("a new config.yaml that fails: the old one finds its files", () => {
        const on = config({ stubs: linkmesh(`grep -q old ${CONFIG} && [ -e ${KEY} ]`) });
        expect(on.run(IMPATIENT).status).toBe(1);
        expect([on.read(KEY), on.read(CONFIG)]).toEqual(["old\n", "old\n"]);
        expect(on.sh("ls /stub/answers")).toBe("/stub/answers\n");
    });

    test.each<[string, Given["machine"]]>([
        ["before the first file", { [`${STATE}/previous-files/answered`]: "yes" }],
        ["after a file", { [`${STATE}/previous-files/answered`]: "", [KEY]: "new\n" }],
        ["while a file was written", { [`${FOLDER}/.new`]: "half", [`${STATE}/previous-files.new/files/a`]: "x" }],
        ["when the files were written", { [`${STATE}/expected/files`]: "x\n", [KEY]: "new\n" }],
    ])("the first linkmeshFiles, cut %s and changed back: the doctor finds it, and config removes it", (kind, left) => {
        const on = config({ variables: { FILE_NAMES: "" } });
        on.sh(`rm -r ${FOLDER} ${STATE}/expected`);
        expect(on.run()).toMatchObject({ status: 0, errors: [] });
        const before = on.files();
        const differing = () =>
            on
                .read(`${STATE}/expected/config`)!
                .split("\n")
                .flatMap((line) => /^file\t(.*)\tmissing$/.exec(line)?.[1] ?? [])
                .filter((path) => on.read(path) !== undefined);
        expect(differing()).toEqual([]);
        for (const [path, text] of Object.entries(left!)) on.write(path, text);
        // Half a file alone is not named anywhere.
        if (kind !== "while a file was written") expect(differing()).toHaveLength(1);
        const ran = on.run(IMPATIENT);
        expect(ran).toMatchObject({ status: 0, errors: [] });
        expect(ran.calls.includes(RESTART)).toBe(KEY in left!);
        expect({ ...on.files(), [`${STATE}/expected/config`]: "" }).toEqual({
            ...before,
            [`${STATE}/expected/config`]: "",
        });
    });
});
