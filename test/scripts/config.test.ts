import { describe, expect, test } from "vitest";
import { CONFIG, ENVIRONMENT, linkmesh, running, STATE } from "./linkmesh.ts";
import { IMPATIENT, Machine, selfSigned, type Given } from "./step.ts";

const GRPC_NAME = "grpc.example.com";
const named = selfSigned("linkmesh.example.com", GRPC_NAME).certificate;
/** `cert init` adds the name. */
const CERT_INIT = { runuser: "cat /stub/named.pem >/stub/grpc.pem" };

describe("the step config", () => {
    const machine = (given: Given = {}) =>
        new Machine({
            step: "config",
            variables: { DOMAIN: "linkmesh.example.com", GRPC_NAME: "linkmesh.example.com", FILE_NAMES: "" },
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

    describe("the error quotes LinkMesh's log", () => {
        const [secret, uri, token] = [
            "0123456789abcdef",
            "mongodb://linkmesh:p%40ss@db.example.com/?tls=true",
            "ghp_12345678",
        ];
        const saying = (...log: string[]) => {
            const on = machine({
                machine: {
                    [`/srv/linkmesh/files${ENVIRONMENT}`]: `LINKMESH_SECRET=${secret}\n# BEGIN linkmesh-proxy\nURI="${uri}"\n`,
                    "/etc/linkmesh-proxy/files/git-token": `${token}\n`,
                },
                stubs: { ...linkmesh(`grep -q old ${CONFIG}`), journalctl: `printf '%s\\n' '${log.join("' '")}'` },
            });
            const { errors, calls } = on.run(IMPATIENT);
            expect(calls).toContainEqual(
                expect.stringMatching(/^journalctl .*--since @\d{10} _SYSTEMD_UNIT=linkmesh-server\.service$/),
            );
            expect(errors).toHaveLength(1);
            return / \(it says: (.*)\), so the old one/.exec(errors[0]!)?.[1];
        };

        test.each([
            ["its last line", ["one", "two"], "two"],
            ["its last line about a failure", ["starting", "ERROR: no database", "stopping"], "ERROR: no database"],
            ["400 characters of a long one", ["x".repeat(500)], "x".repeat(400)],
        ])("%s", (_, log, said) => expect(saying(...log)).toBe(said));

        test.each([
            ["a value of the environment", `cannot use ${uri}`, "cannot use …"],
            ["a password by itself", "refused: p%40ss, p@ss", "refused: …, …"],
            [
                "the password of another URL",
                "failed: https://me:word@git.example.com/x",
                "failed: https://…@git.example.com/x",
            ],
            ["the server secret", `error ${secret}`, "error …"],
            ["a line of a file", `error ${token}.`, "error …."],
        ])("without %s", (_, log, said) => expect(saying(log)).toBe(said));
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
