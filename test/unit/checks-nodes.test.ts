import { expect, test } from "vitest";
import { runChecks } from "../../checks/index.ts";
import { skippedChecks } from "../../checks/target.ts";
import type { Target } from "../../checks/types.ts";

/** A machine whose journal tells of a client at the limit, one that is well, and one that nobody can log in to. */
const says = (text: string) => ["sh", "-c", `cat >/dev/null; printf '%s' '${text}'`, "ssh"];
const NODES = [
    { name: "node-1", ssh: says('limiting connections by zone "linkmesh_sessions", client: 192.0.2.1, x') },
    { name: "node-2", ssh: says("") },
    { name: "node-3", ssh: ["sh", "-c", "echo 'ssh: no route' >&2; exit 255", "ssh"] },
];
const TARGET: Target = {
    host: "linkmesh.example.com",
    ipv4: "127.0.0.1",
    ipv6: false,
    balancer: { ipv4: ["127.0.0.1"], ipv6: [] },
};

test("each of several machines is asked, and its result begins with its name", async () => {
    const results = await runChecks({ ...TARGET, nodes: NODES }, { only: ["limits"] });
    expect(results.map(({ name, status, detail }) => `${name} ${status} ${detail}`)).toEqual([
        expect.stringMatching(/^limits warn node-1: 192\.0\.2\.1 reached the session limit/),
        "limits ok node-2: no client was refused for too many sessions in the last hour",
        expect.stringMatching(/^limits fail node-3: .*no route/),
    ]);
});

test("behind a load balancer no machine is asked for the certificate", () => {
    const machineChecks = ["renewal", "served", "restart", "limits"] as const;
    const asked = (target: Target) => machineChecks.filter((name) => !skippedChecks(target).has(name));
    expect(asked({ ...TARGET, nodes: NODES })).toEqual(["restart", "limits"]);
    expect(asked({ ...TARGET, ssh: ["ssh"] })).toEqual(["restart", "limits"]);
    expect(asked({ host: TARGET.host, ssh: ["ssh"] })).toEqual([...machineChecks]);
    expect(asked(TARGET)).toEqual([]);
});
