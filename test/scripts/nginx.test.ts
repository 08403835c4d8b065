import { describe, expect, test } from "vitest";
import { certificate, CURRENT, DEAF, other, REFUSES, SERVES, SQUATTED } from "./nginx-stubs.ts";
import { IMPATIENT, Machine, type Given } from "./step.ts";

const CONF = "/etc/nginx/nginx.conf";
const UNREAD = "/var/lib/linkmesh-proxy/reload-nginx";

describe("the step proxy", () => {
    const files = Object.fromEntries(
        ["http-redirect.conf", "http-linkmesh.conf", "main-stream.conf", "tls.inc"].map((name) => [
            name,
            `# ${name}\n`,
        ]),
    );
    const machine = (given: Given) =>
        new Machine({
            step: "proxy",
            variables: {
                DOMAIN: "linkmesh.example.com",
                REVISION: "new",
                CERTIFICATE: "/etc/linkmesh-proxy/tls/current",
                GRPC: "yes",
            },
            files: { ...files, listeners: "0.0.0.0:80\n", "serve-certificate.sh": "", "health.sh": "" },
            ...given,
            machine: {
                [CURRENT]: { link: "old" },
                "/etc/nginx/linkmesh/old/listeners": "0.0.0.0:80\n",
                "/stub/revision": "old\n",
                "/etc/linkmesh-proxy/tls/one/fullchain.pem": certificate,
                "/etc/linkmesh-proxy/tls/current": { link: "one" },
                "/stub/served.pem": certificate,
                ...given.machine,
            },
        });

    test("serves the new revision, and only then removes the old one", () => {
        const on = machine({ stubs: SERVES });
        expect(on.run()).toMatchObject({ status: 0, errors: [] });
        expect(on.sh("diff -r /etc/nginx/linkmesh/new /var/lib/linkmesh-proxy/nginx/new && echo same")).toBe("same\n");
        expect(on.read(CURRENT)).toBe("-> new");
        expect(on.sh("ls /etc/nginx/linkmesh")).toBe("current\nnew\n");
        expect(on.sh("cat /stub/revision")).toBe("new\n");
        // Once more, it changes nothing and reloads nothing.
        expect(on.run().calls.filter((call) => call === "systemctl reload nginx")).toEqual([]);
    });

    test("a file in use that was edited by hand is put right, and nginx reads it again", () => {
        const on = machine({ stubs: SERVES });
        on.run();
        const file = "/etc/nginx/linkmesh/new/http-linkmesh.conf";
        on.write(file, "# by hand\n");
        expect(on.run().calls.filter((call) => call === "systemctl reload nginx")).toHaveLength(1);
        expect(on.read(file)).toBe("# http-linkmesh.conf\n");
        expect(on.read(UNREAD)).toBeUndefined();
        // A run that is cut before the reload leaves it to the next.
        on.write(file, "# by hand\n");
        on.run({ stubs: { ...SERVES, sync: `case "$*" in */linkmesh/new) kill -KILL $PPID ;; esac` } });
        expect(on.read(file)).toBe("# http-linkmesh.conf\n");
        expect(on.run().calls.filter((call) => call === "systemctl reload nginx")).toHaveLength(1);
    });

    test.each<[string, Given["stubs"], RegExp, number]>([
        ["is refused", REFUSES, /nginx refuses the new configuration, so nothing was changed: .*no luck/, 0],
        ["is not served", DEAF, /nginx does not serve the new configuration, so the old one is in place again: $/, 2],
        [
            "is not served, since a port is taken",
            SQUATTED,
            /so the old one is in place again: port 80 is taken by apache2, so stop it/,
            2,
        ],
    ])("a configuration that %s leaves the old one current, and nginx reads that again", (_, stubs, error, reloads) => {
        const on = machine({ stubs });
        const before = on.files();
        const ran = on.run(IMPATIENT);
        expect(ran.errors).toEqual([expect.stringMatching(error)]);
        expect(on.files()).toEqual(before);
        expect(on.sh("ls /etc/nginx/linkmesh")).toBe("current\nold\n");
        expect(ran.calls.filter((call) => call === "systemctl reload nginx")).toHaveLength(reloads);
    });

    test("a certificate that is not served leaves the old configuration", () => {
        const on = machine({
            stubs: SERVES,
            machine: { "/etc/linkmesh-proxy/tls/one/fullchain.pem": other.certificate },
        });
        const before = on.files();
        const stubs = { ...SERVES, systemctl: SERVES.systemctl.replace(/cp [^;]*;/, "") };
        const ran = on.run({ ...IMPATIENT, stubs });
        expect(ran.errors).toEqual([expect.stringContaining("nginx serves another certificate on port 443")]);
        expect(on.files()).toEqual(before);
        expect(on.sh("cat /stub/revision")).toBe("old\n");
    });
});

describe("the step nginx", () => {
    const machine = (given: Given = {}) =>
        new Machine({
            step: "nginx",
            variables: {
                MACHINE_PACKAGES: "nginx\ncertbot",
                HTTP2_PER_NAME: "",
                WORKER_CONNECTIONS: "2000",
                OPEN_FILES: "9000",
                REVISION: "port80",
            },
            files: {
                "sysctl.conf": "net.core.somaxconn = 8192\n",
                "http-redirect.conf": "# port 80\n",
                listeners: "0.0.0.0:80\n",
            },
            ...given,
            machine: {
                [CONF]: "events {\n    worker_connections 768;\n}\n",
                "/etc/nginx/sites-enabled/default": { link: "../x" },
                ...given.machine,
            },
            stubs: { ...SERVES, "dpkg-query": "echo installed", ...given.stubs },
        });
    const bigger = {
        variables: { WORKER_CONNECTIONS: "4000", OPEN_FILES: "18000" },
        files: { "sysctl.conf": "net.core.somaxconn = 16384\n" },
    };
    const reloads = (calls: string[]) => calls.filter((call) => /^systemctl (reload|start) nginx/.test(call)).length;

    test("sizes nginx and has it read its files; once more, it changes nothing and reloads nothing", () => {
        const on = machine();
        expect(on.run()).toMatchObject({ status: 0, errors: [] });
        expect(on.read(CONF)).toContain("worker_connections 2000;");
        expect([on.read("/etc/nginx/sites-enabled/default"), on.read(UNREAD)]).toEqual([undefined, undefined]);
        const before = on.files();
        const again = on.run();
        expect([again.status, reloads(again.calls), on.files()]).toEqual([0, 0, before]);
        expect(reloads(on.run(bigger).calls)).toBe(1);
    });

    test.each<[string, Given["stubs"], RegExp]>([
        [
            "nginx -t fails for a foreign site",
            { nginx: REFUSES.nginx },
            /nginx refuses its configuration, so nothing was changed: .*no luck/,
        ],
        ["the kernel refuses a setting", { sysctl: `grep -q 8192 "\${!#}"` }, /the kernel refuses a setting/],
        [
            "systemd does not read its drop-in",
            { systemctl: `[ "$1" != daemon-reload ]` },
            /failed at `systemctl daemon-reload`/,
        ],
        [
            "the unit cannot be enabled",
            { systemctl: `[ "$1" != enable ] || exit 1\n${SERVES.systemctl}` },
            /failed at `systemctl enable/,
        ],
        [
            "nginx does not start",
            { systemctl: `case "$*" in is-active*) false ;; "start nginx") false ;; *MainPID*) echo 0 ;; esac` },
            /nginx does not start/,
        ],
    ])("if %s it leaves what was there, and no reload is due", (_, stubs, error) => {
        const on = machine();
        expect(on.run().status).toBe(0);
        const before = on.files();
        const ran = on.run({ ...bigger, stubs });
        expect(ran.errors).toEqual([expect.stringMatching(error)]);
        expect(on.files()).toEqual(before);
    });

    describe("a current revision that somebody broke", () => {
        const FOLDER = "/etc/nginx/linkmesh/full";
        const COPY = "/var/lib/linkmesh-proxy/nginx/full";
        const STOPPED = SERVES.systemctl.replace('"is-active --quiet nginx") true', '"is-active --quiet nginx") false');
        const broken = (copy: string) =>
            machine({
                machine: {
                    [CURRENT]: { link: "full" },
                    [`${FOLDER}/http-linkmesh.conf`]: "broken\n",
                    [`${FOLDER}/listeners`]: "0.0.0.0:80\n",
                    [`${copy}/http-linkmesh.conf`]: "good\n",
                    [`${copy}/listeners`]: "0.0.0.0:80\n",
                },
                stubs: {
                    nginx: `! grep -q broken ${CURRENT}/http-linkmesh.conf || { echo "[emerg] broken" >&2; exit 1; }`,
                    systemctl: STOPPED,
                },
            });

        test("is as the step proxy left it again, and nginx starts", () => {
            const on = broken(COPY);
            const ran = on.run();
            expect(ran).toMatchObject({ status: 0, errors: [] });
            expect(on.read(`${FOLDER}/http-linkmesh.conf`)).toBe("good\n");
            expect(ran.calls).toContain("systemctl start nginx");
            expect(on.read(UNREAD)).toBeUndefined();
        });

        test("is not replaced by a copy of another revision", () => {
            const on = broken(`${COPY}-before`);
            expect(on.run().errors).toEqual([expect.stringMatching(/nginx refuses its configuration.*broken/)]);
            expect(on.read(`${FOLDER}/http-linkmesh.conf`)).toBe("broken\n");
        });

        test("that nginx accepts is left to the step proxy", () => {
            const on = broken(COPY);
            on.write(`${FOLDER}/http-linkmesh.conf`, "edited\n");
            expect(on.run()).toMatchObject({ status: 0, errors: [] });
            expect(on.read(`${FOLDER}/http-linkmesh.conf`)).toBe("edited\n");
        });
    });

    test("a step that fails has kernel and systemd read the old files again", () => {
        const on = machine();
        on.run();
        const { calls } = on.run({ ...bigger, stubs: { nginx: REFUSES.nginx } });
        expect(calls.filter((call) => /^sysctl|daemon-reload/.test(call))).toEqual([
            "systemctl daemon-reload",
            "sysctl --quiet --load /etc/sysctl.d/90-linkmesh-proxy.conf",
            "systemctl daemon-reload",
            "sysctl --quiet --load /etc/sysctl.d/90-linkmesh-proxy.conf",
        ]);
    });

    test.each([
        CONF,
        "/etc/systemd/system/nginx.service.d/10-linkmesh-proxy.conf",
        "/etc/sysctl.d/90-linkmesh-proxy.conf",
    ])("cut as soon as %s is in place, the next run has nginx, systemd and the kernel read all files", (path) => {
        const on = machine();
        on.run();
        // Killed: no trap runs.
        const cut = { mv: `/usr/bin/mv "$@"; [ "\${!#}" != ${path} ] || kill -KILL $PPID` };
        expect(on.run({ ...bigger, stubs: cut }).status).not.toBe(0);
        const next = on.run(bigger);
        expect(next).toMatchObject({ status: 0, errors: [] });
        expect(on.read(CONF)).toContain("worker_connections 4000;");
        expect(on.read(UNREAD)).toBeUndefined();
        expect(next.calls).toEqual(
            expect.arrayContaining([
                "systemctl daemon-reload",
                "sysctl --quiet --load /etc/sysctl.d/90-linkmesh-proxy.conf",
            ]),
        );
        expect(reloads(next.calls)).toBe(1);
    });
});
